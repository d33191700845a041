"""Who may start a run cannot have its credentials sent elsewhere: overrides that are refused."""

import json
import socket
from hashlib import sha256

import pytest

from job.errors import BadSettings
from job.settings.load import load
from tests.kit.good import GOOD
from tests.kit.program import Program

DEPLOYED = {**GOOD, "HALO_API_HOSTNAME": "api.cloudpassage.com", "MAX_CREATE": "10"}
SUMS = {name: sha256(text.encode()).hexdigest() for name, text in DEPLOYED.items()}
BOUND = json.dumps({"values": SUMS, "free": ["MAX_CREATE", "LOG_LEVEL"]})


def execution(**overrides: str) -> dict[str, str]:
    """The environment of one execution of the deployed job."""
    return {**DEPLOYED, **overrides, "BOUND_SETTINGS": BOUND}


@pytest.mark.parametrize(
    "name",
    [
        "HALO_API_HOSTNAME",
        "JIRA_API_URL",
        "JIRA_API_TOKEN",
        "STATE_URL",
        "HTTPS_PROXY",
        "https_proxy",
        "NO_PROXY",
        "CA_BUNDLE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
        "GCE_METADATA_HOST",
        "FIRESTORE_EMULATOR_HOST",
        "LD_PRELOAD",
        "PYTHONHOME",
        "grpc_proxy",
    ],
)
def test_an_override_that_could_lead_credentials_astray_is_refused_and_not_quoted(
    name: str,
) -> None:
    with pytest.raises(BadSettings) as caught:
        load(execution(**{name: "https://thief.example"}))
    assert [problem.variable for problem in caught.value.problems] == [name]
    assert "thief" not in str(caught.value.problems[0])


def test_every_other_setting_is_held_too_until_the_deployment_frees_it() -> None:
    with pytest.raises(BadSettings) as caught:
        load(execution(MAX_CLOSE_PERCENT="100"))
    assert [problem.variable for problem in caught.value.problems] == ["MAX_CLOSE_PERCENT"]
    assert load(execution(MAX_CREATE="500", LOG_LEVEL="debug")).max_create == 500


def test_a_setting_that_an_execution_leaves_out_is_missed() -> None:
    environ = execution()
    del environ["HALO_API_HOSTNAME"]  # which has a default
    with pytest.raises(BadSettings) as caught:
        load(environ)
    assert [problem.variable for problem in caught.value.problems] == ["HALO_API_HOSTNAME"]


def test_what_cloud_run_and_the_image_set_is_no_override() -> None:
    theirs = {
        "CLOUD_RUN_JOB": "halo-jira-sync",
        "CLOUD_RUN_TASK_COUNT": "4",
        "CLOUD_RUN_TASK_INDEX": "3",
        "GOOGLE_CLOUD_PROJECT": "acme-sec",
        "PYTHONPATH": "/app",
        "PYTHONUNBUFFERED": "1",
        "PATH": "/usr/bin",
    }
    assert load(execution(**theirs)).cloud_run_task_index == 3


@pytest.mark.parametrize("told", ["{", "[]", '{"values": {}, "all": true}', '{"free": []}'])
def test_a_binding_that_cannot_be_read_binds_everything(told: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load({**DEPLOYED, "BOUND_SETTINGS": told})
    assert caught.value.problems[0].variable == "BOUND_SETTINGS"


def test_without_a_deployment_nothing_is_bound() -> None:
    assert load({**GOOD, "HTTPS_PROXY": "http://proxy.example:3128"}).https_proxy is not None


def test_no_connection_is_made_to_a_host_that_an_execution_was_started_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as thief:
        thief.settimeout(0.1)
        url = f"http://127.0.0.1:{thief.getsockname()[1]}"
        taken = execution(HALO_API_HOSTNAME=url, JIRA_API_URL=url)
        said = Program(taken, capsys)("run")
        with pytest.raises(TimeoutError):
            thief.accept()
    assert said.exit_code == 2
    problems = said.only("settings.refused")["problems"]
    refused = {problem["variable"] for problem in problems}
    assert refused == {"HALO_API_HOSTNAME", "JIRA_API_URL"}
