"""What a command says of an error that ended it."""

import json

import pytest

from job.commands.context import CommandContext
from job.errors import RemoteDown


@pytest.mark.usefixtures("quiet_again")
def test_a_bug_is_logged_with_its_stack_and_without_a_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = CommandContext({"JIRA_API_TOKEN": "planted-token"}, terminal=False)
    with pytest.raises(KeyError) as caught:
        {"a": 1}.pop("planted-token")
    assert context.explain(caught.value) == 1
    said = capsys.readouterr().out
    line = json.loads(said)
    assert line["event"] == "run.crashed"
    assert "test_context.py" in line["stack_trace"]
    assert "planted" not in said


@pytest.mark.usefixtures("quiet_again")
def test_an_expected_error_is_sentences_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    CommandContext({}, terminal=True).explain(
        RemoteDown("halo", "listing issues", "answered 503", "Wait.")
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "run.stopped: halo: answered 503\n  while listing issues\n  next: Wait.\n"
