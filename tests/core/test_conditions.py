"""Conditions: that what is said to be covered is covered, whatever the issue."""

from hypothesis import example, given
from hypothesis import strategies as st

from job.core.conditions import Comparison, Condition, Sign, Test, When, Word, shadowing
from job.core.issues import Issue
from tests.kit.builders import issue

WORDS = st.sampled_from(("", "a", "A", "ab", "a*", "*b", "a?", "?", "*", "a/b", "a/*", "7", "7.0"))
NUMBERS = st.sampled_from((6.0, 7.0, 7.5))


def some_tests(*, numeric: bool) -> st.SearchStrategy[Test]:
    comparisons = st.builds(Comparison, st.sampled_from(Sign), NUMBERS)
    words: st.SearchStrategy[Test] = st.builds(Word, WORDS)
    return st.one_of(words, comparisons) if numeric else words


def conditions() -> st.SearchStrategy[Condition]:
    def of(field: str, *, numeric: bool) -> st.SearchStrategy[Condition]:
        some = st.lists(some_tests(numeric=numeric), min_size=1, max_size=3).map(tuple)
        return st.builds(Condition, st.just(field), some)

    truths = st.lists(st.sampled_from((Word("true"), Word("false"))), min_size=1).map(tuple)
    return st.one_of(
        of("group_path", numeric=False),
        of("max_cvss", numeric=True),
        of("tags.env", numeric=True),
        of("cve_ids", numeric=False),
        st.builds(Condition, st.just("critical"), truths),
    )


def whens() -> st.SearchStrategy[When]:
    some = st.lists(conditions(), max_size=3).map(tuple)
    plain = st.builds(When, each=some)
    return st.builds(When, each=some, none=st.lists(plain, max_size=2).map(tuple))


VALUES = st.sampled_from(("", "a", "ab", "abc", "b", "a/b", "a/b/c", "7", "6.5"))
ISSUES = st.builds(
    lambda path, cvss, env, cves, critical: issue(
        group_path=path,
        max_cvss=cvss,
        tags=(("env", env),),
        cves=tuple(cves),
        critical=critical,
    ),
    VALUES,
    st.sampled_from((None, 5.0, 6.0, 6.5, 7.0, 7.5, 9.0)),
    VALUES,
    st.lists(VALUES, max_size=2),
    st.booleans(),
)


@given(whens(), whens(), ISSUES)
@example(
    When(each=(Condition("group_path", (Word("a?"),)),)),
    When(each=(Condition("group_path", (Word("a*"),)),)),
    issue(group_path="abc"),
)
def test_what_covers_another_holds_wherever_that_holds(
    wide: When, narrow: When, about: Issue
) -> None:
    if wide.covers(narrow) and narrow.holds(about):
        assert wide.holds(about)


@given(st.lists(whens(), min_size=1, max_size=3), whens(), ISSUES)
def test_a_rule_that_is_shadowed_never_has_its_turn(
    earlier: list[When], late: When, about: Issue
) -> None:
    if shadowing(late, earlier=earlier) and late.holds(about):
        assert any(when.holds(about) for when in earlier)


@given(whens(), ISSUES)
def test_what_is_impossible_never_holds(when: When, about: Issue) -> None:
    if when.is_impossible:
        assert not when.holds(about)


def test_text_is_compared_without_regard_to_case_and_stars_cross_slashes() -> None:
    path = Condition("group_path", (Word("acme/*/WEB"),))
    assert path.holds(issue(group_path="Acme/Prod/Payments/web"))
    assert not path.holds(issue(group_path="Acme/web"))


def test_what_halo_does_not_say_is_an_empty_text() -> None:
    untagged = Condition("tags.env", (Word(""),))
    assert untagged.holds(issue())
    assert not untagged.holds(issue(tags=(("env", "prod"),)))


def test_a_tag_is_found_whatever_the_case_of_its_name() -> None:
    prod = Condition("tags.Env", (Word("prod"),))
    assert prod.holds(issue(tags=(("env", "prod"),)))
    assert not prod.holds(issue(tags=(("env", "prod"), ("Env", "dev"))))
