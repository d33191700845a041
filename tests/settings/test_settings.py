"""What the environment may say, and what is answered when it says something else."""

from datetime import timedelta
from pathlib import Path

import pytest

from job.errors import BadSettings
from job.settings.load import load, misspelled
from job.settings.table import SECRETS, SPELLINGS, VARIABLES, table
from tests.kit.good import GOOD

CERTIFICATE = Path(__file__).parents[1] / "http" / "tls" / "cert.pem"
REQUIRED = sorted(GOOD.keys() - {"HOME"})


def problems_of(**given: str) -> dict[str, str]:
    """Loads the good settings with some replaced; the problems by variable."""
    with pytest.raises(BadSettings) as caught:
        load({**GOOD, **given})
    return {problem.variable: str(problem) for problem in caught.value.problems}


@pytest.mark.parametrize("name", REQUIRED)
def test_each_required_variable_is_missed_when_it_is_blank(name: str) -> None:
    assert problems_of(**{name: "  "}).keys() == {name}


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        load(
            {
                "NO_SVA": "perhaps",
                "TIME_RANGE": "soon",
                "STATUS_HARD_CLOSED": "a",
                "HARD_CLOSED_STATUS": "b",
            }
        )
    told = {problem.variable for problem in caught.value.problems}
    told.add("JIRA_API_USER")  # nothing is set to sign in with, which is told once
    assert told == {*REQUIRED, "NO_SVA", "TIME_RANGE", "STATUS_HARD_CLOSED"}


SERVICE_ACCOUNT = {"JIRA_CLIENT_ID": "client-1", "JIRA_CLIENT_SECRET": "client-secret-1"}
NO_TOKEN = {"JIRA_API_USER": "", "JIRA_API_TOKEN": ""}


def test_a_service_account_needs_no_token_and_no_user() -> None:
    settings = load({**GOOD, **NO_TOKEN, **SERVICE_ACCOUNT})
    assert settings.jira_client_secret
    assert settings.jira_client_secret.text == "client-secret-1"
    assert settings.jira_token_url == "https://auth.atlassian.com/oauth/token"
    assert settings.jira_gateway_url == "https://api.atlassian.com"
    assert "client-secret-1" in settings.spoken_secrets
    assert "client-secret-1" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "variable", "says"),
    [
        (NO_TOKEN, "JIRA_API_TOKEN", "Nothing is set to sign in to Jira with"),
        (SERVICE_ACCOUNT, "JIRA_CLIENT_ID", "JIRA_API_TOKEN is set as well"),
        ({"JIRA_CLIENT_ID": "c"}, "JIRA_CLIENT_ID", "JIRA_API_TOKEN is set as well"),
        ({**NO_TOKEN, "JIRA_CLIENT_ID": "c"}, "JIRA_CLIENT_SECRET", "and JIRA_CLIENT_ID is"),
        ({**NO_TOKEN, "JIRA_CLIENT_SECRET": "c" * 9}, "JIRA_CLIENT_ID", "JIRA_CLIENT_SECRET is"),
        ({**SERVICE_ACCOUNT, "JIRA_API_TOKEN": ""}, "JIRA_CLIENT_ID", "JIRA_API_USER is set"),
        ({"JIRA_API_USER": ""}, "JIRA_API_USER", "and JIRA_API_TOKEN is"),
    ],
)
def test_two_ways_to_sign_in_and_half_of_one_are_refused(
    given: dict[str, str], variable: str, says: str
) -> None:
    problems = problems_of(**given)
    assert problems.keys() == {variable}
    assert says in problems[variable]
    assert "JIRA_CLIENT_ID with JIRA_CLIENT_SECRET, or JIRA_API_USER" in problems[variable]


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("JIRA_GATEWAY_URL", "https://gate.example.com/", "https://gate.example.com"),
        ("JIRA_GATEWAY_URL", "http://127.0.0.1:8082", "http://127.0.0.1:8082"),
        (
            "JIRA_TOKEN_URL",
            "http://localhost:8082/oauth/token",
            "http://localhost:8082/oauth/token",
        ),
        ("HALO_API_HOSTNAME", "api.example.com", "https://api.example.com"),
        ("HALO_API_HOSTNAME", "https://api.example.com:8443/", "https://api.example.com:8443"),
        ("HALO_API_HOSTNAME", "http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("HALO_API_HOSTNAME", "http://[::1]:8081", "http://[::1]:8081"),
        ("JIRA_API_URL", "https://example.atlassian.net/", "https://example.atlassian.net"),
        (
            "JIRA_API_URL",
            "https://example.atlassian.net/rest/api/3",
            "https://example.atlassian.net",
        ),
        ("JIRA_API_URL", "http://localhost:8082", "http://localhost:8082"),
        (
            "JIRA_API_URL",
            "https://api.atlassian.com/ex/jira/1-a-2/",
            "https://api.atlassian.com/ex/jira/1-a-2",
        ),
        ("TIME_RANGE", "20", timedelta(minutes=20)),
        ("TIME_RANGE", "7d", timedelta(days=7)),
        ("OVERLAP", "150s", timedelta(seconds=150)),
        ("OVERLAP", "120", timedelta(minutes=2)),
        ("CREATE_PATIENCE", "20m", timedelta(minutes=20)),
        ("SWEEP_EVERY", "0", timedelta(0)),
        ("SWEEP_EVERY", "1.5H", timedelta(minutes=90)),
        ("CRITICAL_ONLY", "False", False),
        ("CRITICAL_ONLY", "YES", True),
        ("NO_COMMENT", "on", True),
        ("COMMENT_ON", "Update", "update"),
        ("COMMENT_EVERY", "0", timedelta()),
        ("COMMENT_EVERY", "12h", timedelta(hours=12)),
        ("COMMENT_PUBLIC", "yes", True),
        ("FIELDS_FOLLOW", " NONE ", ()),
        ("FIELDS_FOLLOW", "all", ("all",)),
        ("FIELDS_FOLLOW", r"Due date, Risk\, residual", ("Due date", "Risk, residual")),
        ("HALO_LINK", "https://p.example/i/{issue_id}", "https://p.example/i/{issue_id}"),
        ("NO_SVA", "0", False),
        ("ISSUE_STATUS_CLOSED", " Done , Won't do,Done,", ("Done", "Won't do")),
        ("STATUS_HARD_CLOSED", "Closed", ("Closed",)),
        (
            "JIRA_FIELD_STATIC",
            r"Team:a\;b;Link:https://x",
            (("Team", "a;b"), ("Link", "https://x")),
        ),
        ("JIRA_FIELD_MAPPING", "issue_type:labels", (("issue_type", "labels"),)),
        ("WHEN_ISSUE_GONE", "Close", "close"),
        ("LOG_LEVEL", "WARNING", "warning"),
        ("MAX_CLOSE_PERCENT", "100", 100),
        ("STATE_URL", "sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
    ],
)
def test_a_good_text_becomes_its_value(variable: str, text: str, expected: object) -> None:
    assert getattr(load({**GOOD, variable: text}), variable.lower()) == expected


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("HALO_API_HOSTNAME", "http://api.example.com", "in the clear"),
        ("HALO_API_HOSTNAME", "https://api.example.com/v3", "has a path"),
        ("HALO_API_HOSTNAME", "https://api.example.com:port", "not a readable URL"),
        ("HALO_API_HOSTNAME", "ftp://api.example.com", "not a URL of an API"),
        ("HALO_API_HOSTNAME", "https://", "not a URL of an API"),
        ("JIRA_API_URL", "http://example.atlassian.net", "in the clear"),
        ("JIRA_API_URL", "https://api.atlassian.com", "which site"),
        ("JIRA_API_URL", "https://example.atlassian.net/browse/SEC-1", "has a path"),
        ("JIRA_GATEWAY_URL", "https://api.atlassian.com/ex/jira/1", "has a path"),
        ("JIRA_GATEWAY_URL", "http://api.atlassian.com", "in the clear"),
        ("JIRA_TOKEN_URL", "http://auth.atlassian.com/oauth/token", "in the clear"),
        ("JIRA_TOKEN_URL", "https://a:b@auth.atlassian.com/oauth/token", "holds a user"),
        ("JIRA_API_URL", "https://example.atlassian.net/?a=b", "do not belong here"),
        ("TIME_RANGE", "0", "look at nothing"),
        ("TIME_RANGE", "-5", "not a duration"),
        ("SWEEP_EVERY", "daily", "90s, 15m, 24h or 7d"),
        ("CREATE_PATIENCE", "5000d", "too long"),
        ("CREATE_PATIENCE", "0s", "20m or more"),
        ("CREATE_PATIENCE", "1199s", "second one would be made"),
        ("OVERLAP", "0", "2m or more"),
        ("OVERLAP", "119s", "clocks may differ"),
        ("CRITICAL_ONLY", "maybe", "true, false, 1, 0, yes, no, on, off"),
        ("ISSUE_SYNC_MAX", "-1", "0 or more"),
        ("ISSUE_SYNC_MAX", "ten", "0 or more"),
        ("HALO_CONCURRENCY_MAX", "0", "from 1 to 64"),
        ("JIRA_CONCURRENCY_MAX", "65", "from 1 to 64"),
        ("MAX_CLOSE_PERCENT", "101", "from 0 to 100"),
        ("MAX_CREATE", "1.5", "0 or more"),
        ("JIRA_PROJECT_KEY", "my project", "such as SEC"),
        ("JIRA_FIELD_MAPPING", "issue_type", "no colon"),
        ("JIRA_FIELD_MAPPING", "issue_tipe:labels", "issue_type"),
        ("JIRA_FIELD_STATIC", "Team:", "nothing after"),
        ("ISSUE_STATUS_CLOSED", " , ", "names nothing"),
        ("STATUS_HARD_CLOSED", "Closed,done", "ISSUE_STATUS_CLOSED as well"),
        ("NEW_ISSUE_STATUS", "DONE", "would be reopened"),
        ("WHEN_TICKET_GONE", "close", "recreate, report"),
        ("COMMENT_ON", "always", "change, update, never"),
        ("COMMENT_EVERY", "daily", "90s, 15m, 24h or 7d"),
        ("FIELDS_FOLLOW", "Priority,All", "by itself"),
        ("FIELDS_FOLLOW", ",", "names nothing"),
        ("HALO_LINK", "https://p.example/{asset}", "which no issue has"),
        ("HALO_LINK", "https://p.example/issues", "no address with an id"),
        ("HALO_LINK", "javascript:alert({issue_id})", "no address with an id"),
        ("HALO_LINK", "https://{issue_id}/x", "no address with an id"),
        ("WHEN_ISSUE_GONE", "recreate", "report, close"),
        ("LOG_LEVEL", "loud", "debug, info, warning, error"),
        ("STATE_URL", "redis://localhost", "sqlite:////absolute/path"),
        ("HTTPS_PROXY", "proxy:3128", "not the URL of a proxy"),
        ("CA_BUNDLE", "/no/such/file.pem", "is not a file"),
        ("CLOUD_RUN_TASK_COUNT", "0", "1 or more"),
        ("CLOUD_RUN_TASK_INDEX", "1", "CLOUD_RUN_TASK_COUNT less 1"),
        ("CLOUD_RUN_TASK_ATTEMPT", "-1", "0 or more"),
        ("HALO_API_KEY", "abc", "too short"),
        ("JIRA_API_TOKEN", "two words", "blanks"),
        ("JIRA_API_TOKEN", "sm://projects/p/secret/s", "not a readable reference"),
    ],
)
def test_a_bad_text_is_refused_with_its_variable_and_what_is_allowed(
    variable: str, text: str, words: str
) -> None:
    problems = problems_of(**{variable: text})
    assert problems.keys() == {variable}
    assert words in problems[variable]


def test_no_comments_and_a_comment_each_time_contradict_each_other() -> None:
    problems = problems_of(NO_COMMENT="true", COMMENT_ON="update")
    assert "NO_COMMENT asks for no comments" in problems["COMMENT_ON"]


def test_excluding_all_three_modules_is_refused() -> None:
    excluded = {f"EXCLUDE_{module}_SECURE": "yes" for module in ("SERVER", "CONTAINER", "CLOUD")}
    assert problems_of(**excluded).keys() == {"EXCLUDE_CLOUD_SECURE"}


@pytest.mark.parametrize("spelling", SPELLINGS["STATUS_HARD_CLOSED"])
def test_the_hard_closed_statuses_are_read_under_each_of_their_names(spelling: str) -> None:
    assert load({**GOOD, spelling: "Closed"}).status_hard_closed == ("Closed",)


def test_two_names_of_one_variable_may_agree_but_not_differ() -> None:
    same = {"STATUS_HARD_CLOSED": "Closed", "HARD_CLOSED_STATUS": "Closed"}
    assert load({**GOOD, **same}).status_hard_closed == ("Closed",)
    told = problems_of(STATUS_HARD_CLOSED="Closed", HARD_CLOSED_STATUS="Gone")
    assert "STATUS_HARD_CLOSED and HARD_CLOSED_STATUS differ" in told["STATUS_HARD_CLOSED"]


def test_a_ca_bundle_is_read_under_the_names_that_other_programs_use(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(CERTIFICATE.read_bytes())
    assert load({**GOOD, "REQUESTS_CA_BUNDLE": str(bundle)}).ca_bundle == str(bundle)
    assert load(
        {**GOOD, "SSL_CERT_FILE": str(bundle), "REQUESTS_CA_BUNDLE": "/no"}
    ).ca_bundle == str(bundle)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "sqlite:////home/someone/.local/state/halo-jira-sync/example.atlassian.net.db"),
        (
            {"XDG_STATE_HOME": "/var/state"},
            "sqlite:////var/state/halo-jira-sync/example.atlassian.net.db",
        ),
        ({"CLOUD_RUN_JOB": "sync"}, "firestore://"),
        ({"K_SERVICE": "sync"}, "firestore://"),
        (
            {"CLOUD_RUN_JOB": "sync", "STATE_URL": "firestore://p/d?prefix=x"},
            "firestore://p/d?prefix=x",
        ),
    ],
)
def test_memory_is_firestore_on_cloud_run_and_a_file_elsewhere(
    given: dict[str, str], expected: str
) -> None:
    assert load({**GOOD, **given}).state_url == expected


def test_a_file_of_memory_is_named_by_its_site(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    gateway = {**GOOD, **state, "JIRA_API_URL": "https://api.atlassian.com/ex/jira/11223344-a1b2"}
    assert load(gateway).state_url == f"sqlite:///{tmp_path}/halo-jira-sync/11223344-a1b2.db"
    (tmp_path / "halo-jira-sync").mkdir()
    older = tmp_path / "halo-jira-sync" / "state.db"
    older.touch()
    assert load({**GOOD, **state}).state_url == f"sqlite:///{older}", "where it has always been"


def test_a_misspelled_variable_is_named_with_the_one_that_was_meant() -> None:
    given = {**GOOD, "ISSUE_SINC_MAX": "5", "HTTP_PROXY": "http://p", "PATH": "/bin", "HOME": "/"}
    assert misspelled(given) == {"ISSUE_SINC_MAX": "ISSUE_SYNC_MAX"}
    without = {name: text for name, text in GOOD.items() if name != "JIRA_PROJECT_KEY"}
    with pytest.raises(BadSettings, match="JIRA_PROJET_KEY is set: a misspelling"):
        load({**without, "JIRA_PROJET_KEY": "SEC"})


def test_secrets_are_seen_neither_in_a_repr_nor_in_a_problem() -> None:
    planted = {name: f"http://pla{nr}nted.example/x y" for nr, name in enumerate(SECRETS)}
    proxied = load({**GOOD, "HTTPS_PROXY": "http://me:planted@proxy:3128"})
    told = [
        repr(proxied),
        str(proxied),
        str(problems_of(**planted, JIRA_API_URL="https://me:planted@host")),
    ]
    assert not [
        text
        for text in told
        if "planted" in text or "nted.example" in text or "halo-secret" in text
    ]
    assert {"planted", "http://me:planted@proxy:3128"} <= set(proxied.spoken_secrets)


def test_the_digest_follows_the_settings_but_neither_secrets_nor_executions() -> None:
    digest = load(GOOD).digest
    same = {
        "JIRA_API_TOKEN": "jira-token-2",
        "CLOUD_RUN_EXECUTION": "sync-7",
        "CLOUD_RUN_TASK_INDEX": "1",
        "CLOUD_RUN_TASK_COUNT": "2",
        "CLOUD_RUN_TASK_ATTEMPT": "1",
    }
    assert load({**GOOD, **same}).digest == digest
    assert load({**GOOD, "STATE_URL": "sqlite:////elsewhere/state.db"}).digest == digest
    assert load({**GOOD, "JIRA_ISSUE_TYPE": "Task"}).digest != digest


def test_the_table_has_a_row_for_every_variable() -> None:
    rows = table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [name.upper() for name in VARIABLES]
    assert all(row.count(" | ") == 2 for row in rows)


def test_the_page_of_configuration_shows_the_table_as_the_settings_tell_it() -> None:
    page = (Path(__file__).parents[2] / "job" / "docs" / "configuration.md").read_text()
    assert f"\n{table()}\n\n" in page, "print it again with the command above it"


def test_a_risk_is_accepted_for_ever_and_however_bad_it_gets_unless_told_otherwise() -> None:
    settings = load(GOOD)
    assert (settings.status_accepted, settings.accepted_for) == ((), timedelta())
    assert settings.accepted_until_worse_by == 0.0
    told = load(
        {
            **GOOD,
            "STATUS_ACCEPTED": r"Accepted Risk, Won\, ever",
            "ACCEPTED_FOR": "90",
            "ACCEPTED_UNTIL_WORSE_BY": "1.5",
            "CLOSE_FIELDS": r"Cause:Prod\, EU",
        }
    )
    assert told.status_accepted == ("Accepted Risk", "Won, ever")
    assert told.accepted_for == timedelta(days=90)
    assert told.accepted_until_worse_by == 1.5
    assert told.close_fields == (("Cause", r"Prod\, EU"),)


@pytest.mark.parametrize(
    ("variables", "wrong"),
    [
        ({"STATUS_ACCEPTED": " DONE"}, "is a closed status as well"),
        ({"STATUS_ACCEPTED": "Gone", "STATUS_HARD_CLOSED": "gone"}, "is a closed status as well"),
        ({"STATUS_ACCEPTED": "To Do", "NEW_ISSUE_STATUS": "to  do"}, "each new ticket would be"),
        ({"ACCEPTED_FOR": "soon"}, "is not a duration"),
        ({"ACCEPTED_UNTIL_WORSE_BY": "11"}, "is no number of points"),
        ({"CLOSE_FIELDS": "Cause"}, "has no colon"),
    ],
)
def test_an_acceptance_that_contradicts_other_settings_is_refused(
    variables: dict[str, str], wrong: str
) -> None:
    with pytest.raises(BadSettings, match=wrong):
        load({**GOOD, **variables})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("EXCLUDE_SVA", "NO_SVA"),
        ("ONLY_CRITICAL", "CRITICAL_ONLY"),
        ("DRY_RUN", "`plan`"),
        ("JIRA_EPIC", "JIRA_FIELD_STATIC"),
        ("ISSUE_CLOSED_STATUS", "ISSUE_STATUS_CLOSED"),
        ("CREATE_MAX", "MAX_CREATE"),
        ("CLOSED_ISSUE_STATUS", "ISSUE_STATUS_CLOSED"),
        ("RANGE_TIME", "TIME_RANGE"),
        ("DESCRIBE_ISSUES_THREADS", "HALO_CONCURRENCY_MAX"),
        ("RECONCILER_THREADS", "JIRA_CONCURRENCY_MAX"),
        ("DETERMINATOR_THREADS", "HALO_CONCURRENCY_MAX"),
        ("AWS_SSM_TIMESTAMP_PARAM", "STATE_URL"),
        ("AWS_SSM_TIMESTAMP_PARAM", "`run --since` with the time"),
        ("AWS_SSM_TIMESTAMP_PARAM", "less one day"),
        ("JIRA_USER", "JIRA_API_USER"),
        ("JIRA_TOKEN", "JIRA_API_TOKEN"),
        ("SKIP_SVA", "NO_SVA"),
        ("JIRA_STATUS_CLOSED", "ISSUE_STATUS_CLOSED"),
        ("EPIC", "JIRA_FIELD_STATIC"),
    ],
)
def test_a_name_that_people_use_for_a_setting_is_told_with_what_was_meant(
    name: str, meant: str
) -> None:
    assert meant in misspelled({**GOOD, name: "true"})[name]


def test_every_variable_of_the_original_is_read_or_told_with_what_takes_its_place() -> None:
    originals = (
        *("HALO_API_KEY", "HALO_API_SECRET_KEY", "HALO_API_HOSTNAME", "JIRA_API_USER"),
        *("JIRA_API_TOKEN", "JIRA_API_URL", "TIME_RANGE", "JIRA_ISSUE_ID_FIELD"),
        *("JIRA_FIELD_MAPPING", "JIRA_FIELD_STATIC", "JIRA_PROJECT_KEY"),
        *("ISSUE_REOPEN_TRANSITION", "ISSUE_CLOSE_TRANSITION", "ISSUE_STATUS_CLOSED"),
        *("STATUS_HARD_CLOSED", "ISSUE_STATUS_HARD_CLOSED", "JIRA_ISSUE_TYPE", "CRITICAL_ONLY"),
        *("EXCLUDE_SERVER_SECURE", "EXCLUDE_CONTAINER_SECURE", "EXCLUDE_CLOUD_SECURE"),
        *("NEW_ISSUE_STATUS", "ISSUE_SYNC_MAX", "NO_COMMENT", "NO_SVA", "RECONCILER_THREADS"),
        *("DESCRIBE_ISSUES_THREADS", "DETERMINATOR_THREADS", "AWS_SSM_TIMESTAMP_PARAM"),
    )
    read = {spelling for spellings in SPELLINGS.values() for spelling in spellings}
    told = misspelled(dict.fromkeys(originals, "x"))
    assert {name for name in originals if name not in read} == told.keys()


def test_the_mapping_names_of_every_version_of_the_original_are_understood() -> None:
    second = (
        *("name", "source", "type", "critical", "first_seen_at", "last_seen_at", "resolved_at"),
        *("status", "policy_name", "csp_rule_id", "asset_id", "asset_name", "asset_type"),
        *("group_name", "csp_account_type", "csp_account_id", "csp_account_name", "csp_region"),
        *("csp_service_type", "csp_resource_id"),
    )
    first = (
        *("asset_group_name", "asset_group_path", "asset_type", "issue_created_at"),
        *("issue_rule_key", "issue_id", "server_csp_provider", "server_csp_account_id"),
        *("server_csp_instance_id", "server_id", "server_hostname", "server_state"),
    )
    names = (*(f"issue_{name}" for name in second), *first, "issue.critical", "issue.type")
    pairs = ";".join(f"{name}:Field {place}" for place, name in enumerate(names))
    assert len(load({**GOOD, "JIRA_FIELD_MAPPING": pairs}).jira_field_mapping) == len(names)
    with pytest.raises(BadSettings):
        load({**GOOD, "JIRA_FIELD_MAPPING": f"{pairs};issue_nothing:Field"})


def test_who_signs_in_by_names_that_nobody_reads_is_told_which_were_meant() -> None:
    unsigned = {name: words for name, words in GOOD.items() if not name.startswith("JIRA_API_")}
    with pytest.raises(BadSettings) as refused:
        load({**unsigned, "JIRA_USER": "bot@acme.example", "JIRA_TOKEN": "0123456789abcdef"})
    [told] = [it.wrong for it in refused.value.problems if it.variable == "JIRA_API_TOKEN"]
    assert "JIRA_USER where JIRA_API_USER is meant and JIRA_TOKEN where JIRA_API_TOKEN is" in told
    assert "bot@acme" not in told


def test_a_file_that_holds_no_certificates_is_refused_by_its_name(tmp_path: Path) -> None:
    empty, broken = tmp_path / "empty.pem", tmp_path / "broken.pem"
    empty.touch()
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for file in (empty, broken):
        with pytest.raises(BadSettings) as refused:
            load({**GOOD, "CA_BUNDLE": str(file)})
        (problem,) = refused.value.problems
        assert (problem.variable, str(file) in problem.wrong) == ("CA_BUNDLE", True)
