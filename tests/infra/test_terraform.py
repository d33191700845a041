"""The deployment, proven with the real terraform against every provider version at hand.

Promises: no test needs a cloud account or writes into the project. Each assertion of the
*.tftest.hcl files is shown to fail once, on a copy of the project with the fault put in.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.infra.grants import table
from tests.infra.places import copied
from tests.infra.terraform import Provider, Terraform, TestReport, providers
from tests.infra.tools import PROJECT, machine_program

pytestmark = pytest.mark.infra

ANYBODY = {"allUsers", "allAuthenticatedUsers"}


@pytest.fixture(scope="session", params=providers(), ids=lambda provider: provider.label)
def terraform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Terraform:
    """The real terraform with each provider version in turn, initialised for the project."""
    provider: Provider = request.param
    machine_program("terraform")
    ready = Terraform(provider, tmp_path_factory.mktemp("terraform"), copied(tmp_path_factory))
    ready.init()
    return ready


@pytest.fixture(scope="session")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The real terraform with the newest provider at hand, for tests where the version makes no
    difference.
    """
    machine_program("terraform")
    place = copied(tmp_path_factory)
    return Terraform(providers()[-1], tmp_path_factory.mktemp("newest"), place)


@pytest.fixture(scope="session")
def report(terraform: Terraform) -> TestReport:
    """What `terraform test` says about the whole project."""
    return terraform.test()


MOCKED = 'mock_provider "google" {}\n'


def apart(
    newest: Terraform, place: Path, *, tests: Mapping[str, str], main: str = ""
) -> TestReport:
    """What terraform says to tests of their own, about a copy of the modules under the project's
    main.tf or another.
    """
    shutil.copytree(PROJECT / "infra", place / "infra")
    (place / "main.tf").write_text(main or (PROJECT / "main.tf").read_text())
    for folder in ("tests", "data"):
        (place / folder).mkdir()
    for name, text in tests.items():
        (place / "tests" / f"{name}.tftest.hcl").write_text(MOCKED + text)
    fresh = Terraform(newest.provider, place / "data", place)
    fresh.init(tests="tests")
    return fresh.test(tests="tests")


def test_every_terraform_file_is_formatted(newest: Terraform) -> None:
    for place in ("main.tf", "infra", "tests/infra"):
        done = newest.run("fmt", "-check", "-diff", "-recursive", place)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_valid(terraform: Terraform) -> None:
    done = terraform.run("validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_promise_of_every_module_holds(report: TestReport) -> None:
    files = {path.name for path in (PROJECT / "tests" / "infra").glob("*.tftest.hcl")}
    statuses = report.statuses()
    assert {name.split(":")[0] for name in statuses} == files
    assert set(statuses.values()) == {"pass"}, report.complaints()


def test_a_second_apply_changes_nothing(report: TestReport) -> None:
    changes = report.plan("second_apply")
    assert len(changes) > 50
    assert [
        change["address"] for change in changes if change["change"]["actions"] != ["no-op"]
    ] == []


def test_another_first_image_changes_nothing_once_the_job_exists(report: TestReport) -> None:
    changes = report.plan("another_first_image")
    assert [
        change["address"] for change in changes if change["change"]["actions"] != ["no-op"]
    ] == []


def grants(report: TestReport) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every resource that gives somebody something, which roles and audit logs do not."""
    for address, kind, values in report.resources():
        if "_iam_" in kind and not kind.endswith(("_custom_role", "_audit_config")):
            yield address, kind, dict(values)


def test_nobody_gets_a_role_on_the_whole_project_but_for_a_few_narrow_ones(
    report: TestReport,
) -> None:
    seen = [
        (values["role"], bool(values["condition"]))
        for address, kind, values in grants(report)
        if kind == "google_project_iam_member" and address.startswith("module.")
    ]
    assert set(seen) == {
        ("projects/acme-sec/roles/documents", True),
        ("projects/acme-sec/roles/clock", False),
        ("roles/logging.logWriter", False),
        ("roles/logging.viewer", False),
        ("roles/cloudbuild.builds.editor", False),
        ("roles/cloudbuild.builds.approver", False),
    }


def test_every_grant_adds_one_member_and_replaces_none(report: TestReport) -> None:
    kinds = {kind for _, kind, _ in grants(report)}
    assert len(kinds) >= 6
    assert {kind for kind in kinds if not kind.endswith("_iam_member")} == set()


def test_nothing_is_open_to_anybody_or_given_by_a_basic_role(report: TestReport) -> None:
    assert [address for address, _, values in grants(report) if values["member"] in ANYBODY] == []
    basic = {"roles/owner", "roles/editor", "roles/viewer", "roles/iam.serviceAccountTokenCreator"}
    assert [address for address, _, values in grants(report) if values["role"] in basic] == []


def test_only_the_schedule_may_start_the_job_without_being_an_operator_or_the_deployer(
    report: TestReport,
) -> None:
    starters = {
        (values["member"], values["role"])
        for address, kind, values in grants(report)
        if kind == "google_cloud_run_v2_job_iam_member"
        and values["name"] == "halo-jira-sync"
        and address.startswith("module.")
    }
    assert starters == {
        ("serviceAccount:schedule@acme-sec.iam", "roles/run.invoker"),
        ("serviceAccount:deployer@acme-sec.iam", "roles/run.developer"),
        ("group:sec@acme.example", "projects/acme-sec/roles/operator"),
    }


def test_the_table_of_who_may_do_what_is_what_terraform_plans(report: TestReport) -> None:
    made = table(report)
    assert "| deployer | `roles/run.developer` |" in made
    assert made in (PROJECT / "infra" / "README.md").read_text()


def test_no_secret_value_reaches_a_plan_or_a_state(report: TestReport) -> None:
    seeded = [
        address
        for address, kind, _ in report.resources()
        if kind == "google_secret_manager_secret_version"
    ]
    assert any("jira-api-token" in address for address in seeded)
    assert "the-token-itself" not in report.text
    assert "the-key-itself" not in report.text


def test_every_setting_of_the_program_can_be_made_and_is_understood_by_it(
    report: TestReport, tmp_path: Path
) -> None:
    # The deployment's other tests need no program that can be imported.
    from job.core.values import unescaped
    from job.settings.load import load
    from job.settings.table import VARIABLES

    environments = {
        said["@testrun"]: said["test_state"]["outputs"]["environment"]["value"]
        for said in report.messages
        if said["type"] == "test_state"
        and said["@testrun"] in {"everything_on", "a_service_account_instead_of_a_token"}
    }
    environment = environments["everything_on"]
    other_way = environments["a_service_account_instead_of_a_token"]
    certificate = PROJECT / "tests" / "http" / "tls" / "cert.pem"
    (tmp_path / "ca.pem").write_bytes(certificate.read_bytes())
    read = load({**environment, "CA_BUNDLE": str(tmp_path / "ca.pem")})
    assert [(name, unescaped(value)) for name, value in read.jira_field_static] == [
        ("Team: name", "a;b:c\\d")
    ]
    assert [(name, unescaped(value)) for name, value in read.close_fields] == [
        ("Cause", "Prod, EU")
    ]
    assert read.status_hard_closed == ("Won't fix", "Gone, for good")
    assert read.accepted_for == timedelta(days=90)
    assert read.state_url.startswith("firestore://acme-sec/restored-links?prefix=")
    (tmp_path / "routes.yaml").write_text(environment["ROUTES"])
    other = load({**other_way, "ROUTES_FILE": str(tmp_path / "routes.yaml")})
    assert (other.jira_client_id, other.routes_file) == ("a1b2c3", read.routes)
    unreachable = {name.upper() for name in VARIABLES} - set(environment) - set(other_way)
    unreachable.discard("BOUND_SETTINGS")  # the command of the job brings it
    unreachable.discard("JIRA_WEBHOOK_SECRET")  # the job must not have it
    assert {name for name in unreachable if not name.startswith("CLOUD_RUN_")} == set()


def test_exactly_the_fields_that_the_store_queries_are_indexed() -> None:
    files = (PROJECT / "job" / "state").glob("firestore*.py")
    store = "".join(path.read_text() for path in files)
    queried = set(re.findall(r'(?:FieldFilter|order_by)\("(\w+)"', store)) - {"__name__"}
    module = (PROJECT / "infra" / "state" / "main.tf").read_text()
    defaults = re.search(r'variable "indexed".*?default = (.*?)\n}', module, re.DOTALL)
    assert defaults
    assert set(re.findall(r"(\w+)\s*= \[", defaults[1])) == queried


def test_alerts_and_charts_ask_only_for_metrics_that_exist(report: TestReport) -> None:
    made, asked = set(), set()
    for _, kind, values in report.resources():
        if kind == "google_logging_metric":
            made.add(values["name"])
        if kind in {"google_monitoring_alert_policy", "google_monitoring_dashboard"}:
            asked |= set(re.findall(r"logging_googleapis_com:user_(\w+)", str(values)))
    asked = {name.removesuffix("_sum").removesuffix("_count") for name in asked}
    assert asked
    assert asked - made == set()


def test_every_event_that_is_counted_is_one_the_program_writes() -> None:
    watch = (PROJECT / "infra" / "watch" / "main.tf").read_text()
    lists = re.findall(
        r"^  (?:ends_early|events) += [^\[]*\[(.*?)\]", watch, re.DOTALL | re.MULTILINE
    )
    program = "".join(
        path.read_text() for path in (PROJECT / "job").rglob("*.py") if "sim" not in path.parts
    )
    assert len(lists) == 2
    events = re.findall(r'"([a-z_.]+)"', "".join(lists))
    assert len(events) > 15
    assert [event for event in events if f'"{event}"' not in program] == []


def test_the_smallest_example_in_each_readme_can_be_applied(
    newest: Terraform, tmp_path: Path
) -> None:
    readmes = sorted((PROJECT / "infra").glob("*/README.md"))
    modules = {path.parent.name for path in (PROJECT / "infra").glob("*/main.tf")}
    examples = {
        path.parent.name: re.findall(r"```hcl\n(.*?)```", path.read_text(), re.DOTALL)[0]
        for path in readmes
    }
    assert set(examples) == modules
    google = 'google = { source = "hashicorp/google" }'
    needs = f"terraform {{\n  required_providers {{\n    {google}\n  }}\n}}\n"
    done = apart(
        newest,
        tmp_path,
        tests={"examples": 'run "it" {}'},
        main="\n".join([needs, *examples.values()]),
    )
    assert done.statuses() == {"examples.tftest.hcl: it": "pass"}, done.complaints()


def test_the_settings_in_the_deployment_chapter_can_be_applied(
    newest: Terraform, tmp_path: Path
) -> None:
    (example,) = re.findall(
        r"```hcl\n(.*?)```", (PROJECT / "infra" / "README.md").read_text(), re.DOTALL
    )
    chapter = f'variables {{\nsecret_values = {{}}\n{example}}}\nrun "it" {{}}\n'
    done = apart(newest, tmp_path, tests={"chapter": chapter})
    assert done.statuses() == {"chapter.tftest.hcl: it": "pass"}, done.complaints()


SOURCES = ("server", "container", "cloud")
NO_SOURCE = ", ".join(f"exclude_{source}_secure = true" for source in SOURCES)
# What is set, and the words of the refusal that say what is allowed.
REFUSED = {
    'project_id = "Acme Sec"': "6 to 30 lower-case letters",
    'region = "europe-west1-b"': "not a zone",
    'name = "halo"': "6 to 20 lower-case letters",
    'halo = { hostname = "http://api.cloudpassage.com" }': "a host name, or an https:// address",
    "halo = { concurrency_max = 65 }": "1 to 64",
    'jira.new_issue_status = "Done"': "each new ticket would be reopened",
    'jira.url = "acme.atlassian.net"': "https://api.atlassian.com/ex/jira/CLOUD_ID",
    'jira.project_key = "sec"': "upper-case letters",
    'jira.issue_type = " "': "must not be empty",
    'jira.user = " "': "one way to sign in",
    'jira.client_id = "a1b2c3"': "one way to sign in",
    'jira.gateway_url = "https://api.atlassian.com/ex"': "without a path",
    'jira.token_url = "http://auth.atlassian.com/oauth/token"': "`jira.token_url` one with a path",
    'jira.url = "https://api.atlassian.com/"': "ends in /ex/jira/CLOUD_ID",
    'jira.new_issue_status = " done"': "each new ticket would be reopened",
    'jira.field_mapping = { issue_id = " " }': "something on both sides",
    'jira.field_static = { "" = "x" }': "something on both sides",
    "jira.status_closed = []": "must not be empty",
    "jira.accepted_for_days = 1.5": "whole number of days",
    'jira.fields_follow = "Priority,all"': "all or none by itself",
    'jira.fields_follow = " "': "all or none by itself",
    "jira.accepted_until_worse_by = 10.5": "0 to 10 points of CVSS",
    'jira.status_accepted = [" DONE"]': "must not be closed as well",
    'jira.close_fields = { "" = "x" }': "something on both sides",
    'jira.status_hard_closed = ["DONE"]': "one means reopen, the other a new ticket",
    'jira.field_mapping = { "host name" = "Host" }': "maps Halo fields",
    'jira.routes = "a", routes_file = "b"': "give one of them",
    "jira.concurrency_max = 1.5": "1 to 64",
    "scope = { time_range_min = 0 }": "at least 1",
    'scope = { backlog = "some" }': '"critical" or "none"',
    "scope = { issue_sync_max = -1 }": "0 is no cap",
    f"scope = {{ {NO_SOURCE} }}": "be left",
    "safety = { max_close_percent = 101 }": "must be 0 to 100",
    "safety = { max_create = -1 }": "0 is no limit",
    'safety = { max_create_mode = "some" }': '"hold" or "slice"',
    "scope = { issue_sync_max = 1000000000 }": "0 is no cap",
    "scope = { time_range_min = 5270401 }": "at most ten years",
    "safety = { max_reopen = 1000000000 }": "0 is no limit",
    'safety = { sweep_every = "4000d" }': "at most 3660d",
    'safety = { overlap = "5 minutes" }': "such as 15m, or 0",
    'safety = { overlap = "0" }': "at least 2m",
    'safety = { overlap = "119s" }': "at least 2m",
    'safety = { create_patience = "0" }': "at least 20m",
    'safety = { create_patience = "19m" }': "at least 20m",
    'safety = { when_ticket_gone = "ignore" }': '"recreate" or "report"',
    'safety = { when_issue_gone = "delete" }': '"report" or "close"',
    'runtime = { log_level = "TRACE" }': "DEBUG, INFO, WARNING or ERROR",
    'runtime = { https_proxy = "http://me:pass@proxy:3128" }': "without credentials",
    'runtime = { ca_bundle = "ca.pem" }': "absolute path",
    'runtime = { ca_bundle = "/etc/ca.pem" }': "is not in the image",
    'runtime = { extra_env = { CLOUD_RUN_JOB = "x" } }': "none of Cloud Run's own",
    'runtime = { extra_env = { MAX_CREATE = "1" } }': "MAX_CREATE, which has a setting of its own",
    'job = { cpu = "3" }': '"1", "2", "4" or "8"',
    'job = { memory = "3Gi" }': "512Mi, 1Gi, 2Gi",
    'job = { memory = "16Gi" }': "512Mi to 4Gi with 1 cpu",
    "job = { tasks = 0 }": "1 to 10000",
    "job = { tasks = 2, parallelism = 3 }": "0 (all at once) to `job.tasks`",
    "job = { timeout_s = 604801 }": "60 to 604800 (7 days)",
    "job = { retries = 11 }": "0 to 10",
    'access = { operators = ["allUsers"] }': "user:a@example.com",
    'access = { releasers = ["principalSet:everyone"] }': "principalSet://iam.googleapis.com/",
    'schedule = { cron = "every 15 minutes" }': "five cron fields",
    'schedule = { cron = "60 * * * *" }': "five cron fields",
    'schedule = { cron = "*/0 * * * *" }': "five cron fields",
    'schedule = { cron = "0 6 * * mon-sam" }': "five cron fields",
    'schedule = { cron = "0  6 * * *" }': "five cron fields",
    'schedule = { time_zone = "CET+1" }': "Europe/Berlin",
    "schedule = { retries = 6 }": "0 to 5",
    'state = { prefix = "a/b" }': "letters, digits, hyphens",
    'state = { location = "europe" }': "eur3, nam5 and nam7",
    'state = { database = "(default)" }': "lower-case letters",
    'secrets = { locations = ["eu"] }': "regions such as europe-west1",
    "secrets = { rotate_days = 0.5 }": "1 to 365",
    'labels = { Team = "sec" }': "keys beginning with a letter",
    'build = { parts = ["http"] }': 'must hold "runtime"',
    'build = { trigger = { repository = "acme/sync" } }': "projects/P/locations/R/connections",
    'build = { trigger = { owner = "a", repository = "r", branch = "(" } }': "^main$",
    "build = { rebuild_monthly = true }": "where the source is",
    "state = { backup = { daily_days = 99 } }": "1 to 98",
    "state = { backup = { daily_days = 1.5 } }": "1 to 98",
    "state = { backup = { weekly_days = 1 } }": "7 to 98",
    'secrets = { seeded = ["jira-api-token"] }': "must hold a value for every name",
    "images = { keep = 1 }": "an image to go back to",
    "images = { keep = 2.5 }": "without fractions",
    'job = { binary_authorization = "on" }': "platforms/cloudRun/policies",
    'watch = { emails = ["nobody"] }': "e-mail addresses",
    'watch = { channels = ["12"] }': "projects/P/notificationChannels/N",
    "watch = { silence_min = 2000 }": "5 to 1440",
    "watch = { lag_s = 60.5 }": "60 to 86400",
    'watch = { budget_account = "mine" }': "012345-6789AB-CDEF01",
    'egress = { static_address = true, range = "10.0.0.0/28" }': "/26 or larger",
    'egress = { static_address = true, range = "10.0.0.5/26" }': "not 10.20.0.5/26",
    'egress = { static_address = true, range = "8.8.8.0/24" }': "must be private",
    'egress = { network = "n" }': "together",
    'egress = { network = "n", subnetwork = "s" }': "projects/HOST/global/networks/NAME",
}
# What is misspelt, and the setting that is named instead.
MISSPELT = {
    "safety = { max_close_precent = 10 }": "safety.max_close_percent",
    "safety = { max_creates = 5 }": "safety.max_create",
    "scope = { critical_olny = true }": "scope.critical_only",
    "schedule = { pause = true }": "schedule.paused",
    "state = { backup = { dayly_days = 3 } }": "state.backup.daily_days",
    'build = { trigger = { owner = "a", repository = "r", brunch = "x" } }': "build.trigger.branch",
    'jira.closed_status = "Done"': "jira.status_closed",
    "job = { memmory = null }": "job.memory",
}
JIRA = {
    "url": '"https://acme.atlassian.net"',
    "user": '"halo@acme.example"',
    "project_key": '"SEC"',
    "issue_type": '"Bug"',
    "issue_id_field": '"Halo ID"',
    "reopen_transition": '"Reopen"',
    "close_transition": '"Done"',
    "status_closed": '["Done"]',
}


def settings_with(fault: str) -> str:
    """A *.tftest.hcl whose settings are all right but for one."""
    settings = {"project_id": '"acme-sec"', "region": '"europe-west1"', "secret_values": "{}"}
    settings["watch"] = "{ unheard = true }"
    jira = dict(JIRA)
    name, value = fault.split(" = ", 1)
    if name.startswith("jira."):
        jira[name.removeprefix("jira.")] = value
    else:
        settings[name] = value
    settings["jira"] = "{" + ", ".join(f"{key} = {text}" for key, text in jira.items()) + "}"
    lines = "\n".join(f"  {key} = {text}" for key, text in settings.items())
    return f'variables {{\n{lines}\n}}\nrun "refused" {{\n  command = plan\n}}\n'


@pytest.fixture(scope="module")
def refusals(newest: Terraform, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What terraform says to each wrong setting, all asked at once."""
    tests = {str(number): settings_with(fault) for number, fault in enumerate(REFUSED)}
    return apart(newest, tmp_path_factory.mktemp("refused"), tests=tests).complaints()


@pytest.mark.parametrize("fault", REFUSED)
def test_a_wrong_setting_is_refused_with_what_is_allowed(fault: str, refusals: list[str]) -> None:
    number = list(REFUSED).index(fault)
    mine = [complaint for complaint in refusals if complaint.startswith(f"{number}.tftest.hcl:")]
    assert [complaint for complaint in mine if REFUSED[fault] in " ".join(complaint.split())], mine


@pytest.fixture(scope="module")
def slips(newest: Terraform, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What terraform says to each misspelt setting."""
    tests = {str(number): settings_with(fault) for number, fault in enumerate(MISSPELT)}
    return apart(newest, tmp_path_factory.mktemp("misspelt"), tests=tests).complaints()


@pytest.mark.parametrize("slip", MISSPELT)
def test_a_misspelt_setting_is_refused_with_the_one_that_was_meant(
    slip: str, slips: list[str]
) -> None:
    number = list(MISSPELT).index(slip)
    mine = [said for said in slips if said.startswith(f"{number}.tftest.hcl:")]
    wanted = f"is no setting. Did you mean `{MISSPELT[slip]}`?"
    assert [said for said in mine if wanted in " ".join(said.split())], mine


def test_too_many_tasks_for_the_subnetwork_are_refused(newest: Terraform, tmp_path: Path) -> None:
    few = settings_with("egress = { static_address = true }").replace(
        "variables {", "variables {\n  job = { tasks = 20, parallelism = PARALLELISM }"
    )
    tests = {name: few.replace("PARALLELISM", name) for name in ("16", "15")}
    told = apart(newest, tmp_path, tests=tests)
    assert told.statuses() == {"16.tftest.hcl: refused": "error", "15.tftest.hcl: refused": "pass"}
    assert "too small for 16 tasks at once" in " ".join(told.text.split())


def test_every_setting_is_compared_with_the_names_that_it_was_given_by() -> None:
    root = (PROJECT / "main.tf").read_text()
    taking_anything = set(re.findall(r'variable "(\w+)" {[^}]*type *= any', root))
    (given,) = re.findall(r"  given = {\n(.*?)\n  }", root, re.DOTALL)
    assert len(taking_anything) > 10
    assert set(re.findall(r"(\w+) *= var\.\1\b", given)) == taking_anything


# By file: a piece of it, and what it becomes. Together they must make every assertion fail.
FAULTS = {
    "main.tf": [('"JIRA_API_TOKEN" : "JIRA_CLIENT_SECRET"', '"JIRA_API_TOKEN" : "JIRA_API_TOKEN"')],
    "infra/settings/program.tf": [
        ("[\\\\\\\\;:]", ";"),
        ("max_close_percent = optional(number, 30)", "max_close_percent = optional(number, 99)"),
        (
            'tostring(value) if value != null && tostring(value) != ""',
            'value == null ? "" : tostring(value)',
        ),
        ("mapping = var.jira.field_mapping", "mapping = var.jira.field_static"),
        ('join(",", [for name in names', 'join(";", [for name in names'),
        ("CLOSE_FIELDS            = local.pairs.close", "CLOSE_FIELDS = local.pairs.reopen"),
        ("SWEEP_EVERY       = var.safety.sweep_every", 'SWEEP_EVERY = "24h"'),
    ],
    "infra/settings/deployment.tf": [
        ("static_address = optional(bool, false)", "static_address = optional(bool, true)"),
    ],
    "infra/job/main.tf": [
        ("= google_service_account.job.email", '= "default"'),
        ("timeout_s   = optional(number, 840)", "timeout_s   = optional(number, 9)"),
        ("${var.name}-candidate", "${var.name}-2"),
        ("= var.size.tasks", '= each.key == "job" ? var.size.tasks : 2'),
        ("= env.value", '= try(upper(env.value), "")'),
        (
            "= env.key",
            '= env.key\n value_source {\n secret_key_ref {\n secret = "s"\n version = "1"\n }\n }',
        ),
        ('optional(string, "512Mi")', 'optional(string, "1Gi")'),
        ("us-docker.pkg.dev", "docker.example"),
        (
            "for_each = var.egress[*]",
            'for_each = [coalesce(var.egress, { network = "n", subnetwork = "s" })]',
        ),
        ("ALL_TRAFFIC", "PRIVATE_RANGES_ONLY"),
        ("= google_project_iam_custom_role.operator.name", '= "roles/run.admin"'),
        ('"run.jobs.get", ', '"run.jobs.update", '),
        ("roles/logging.viewer", "roles/logging.admin"),
        ('"env", "BOUND_SETTINGS', '"BOUND_SETTINGS'),
        ("= var.encryption_key", '= "k"'),
        ("for_each = var.binary_authorization[*]", 'for_each = ["x"]'),
        ('== "default" ? true : null', '== "default" ? null : true'),
        ('== "default" ? null :', '== "x" ? null :'),
        ("template[0].template[0].containers[0].image, ", ""),
    ],
    "infra/schedule/main.tf": [
        ('base64encode("{}")', 'base64encode("{\\"overrides\\":{}}")'),
        ("roles/run.invoker", "roles/run.developer"),
        ("= google_service_account.schedule.email", '= "default"'),
        ("${var.job}:run", "${var.job}/run"),
        ("application/json", "text/plain"),
        ("*/15 * * * *", "*/5 * * * *"),
        ('"cloudscheduler.jobs.get", ', '"cloudscheduler.jobs.update", '),
        ("= google_project_iam_custom_role.clock.name", '= "roles/cloudscheduler.admin"'),
    ],
    "infra/state/main.tf": [
        ('"DELETE" : "ABANDON"', '"DELETE" : "DELETE"'),
        ('"DELETE_PROTECTION_DISABLED" :', '"DELETE_PROTECTION_ENABLED" :'),
        ("databases/${var.database}", "databases/*"),
        ("= google_project_iam_custom_role.user.name", '= "roles/datastore.owner"'),
        ('"datastore.entities.create"', '"datastore.indexes.create"'),
        ("for_each = var.encryption_key[*]", 'for_each = ["k"]'),
        (
            "  index_config {}\n  ttl_config {}\n",
            '  index_config {\n    indexes {\n      order = "ASCENDING"\n    }\n  }\n',
        ),
        ('merge({ "*" = [] }, fields)', "fields"),
        ("STANDARD", "ENTERPRISE"),
        ('toset(["runs", "held", "digests"])', 'toset(["runs", "held"])'),
        ("default     = true", "default     = false"),
        ("?prefix=", "?p="),
        ("var.backup.daily_days * 86400", "coalesce(var.backup.daily_days, 7) * 86401"),
    ],
    "infra/secrets/main.tf": [
        ("roles/secretmanager.secretAccessor", "roles/secretmanager.admin"),
        ('"ABANDON"', '"DELETE"'),
        ("${var.prefix}-${each.key}", "${each.key}"),
        ("= var.seeded\n", "= toset(keys(var.readers))\n"),
        ("= var.values[each.value]", '= "x"'),
        ("== 0 ? [true] : []", "== 0 ? [] : []"),
        ("for_each = var.locations", "for_each = slice(tolist(var.locations), 0, 1)"),
        ("tostring(var.values_version)", '"2"'),
        (
            "var.rotate_days > 0 ? 1 : 0\n  project = var.project_id\n  name",
            "1\n  project = var.project_id\n  name",
        ),
        ("rotation.value * 86400", "rotation.value * 86401"),
        ("roles/pubsub.publisher", "roles/pubsub.editor"),
        ("roles/secretmanager.secretVersionManager", "roles/secretmanager.secretAccessor"),
        ('"DATA_READ"', '"ADMIN_READ"'),
        ("kms_key_name = customer_managed_encryption.value", 'kms_key_name = "k"'),
    ],
    "infra/encryption/main.tf": [
        ("gcp-sa-firestore", "gcp-sa-run"),
        ("crypto_key_id = var.key", 'crypto_key_id = "k"'),
    ],
    "infra/images/main.tf": [
        (
            "cleanup_policy_dry_run = false",
            "cleanup_policy_dry_run = true\n  docker_config {\n    immutable_tags = true\n  }",
        ),
        ("keep-newest", "keep-some"),
        ("default     = 10", "default     = 9"),
        ("default     = 30", "default     = 31"),
        ('var.scan ? "INHERITED" : "DISABLED"', 'var.scan ? "DISABLED" : "INHERITED"'),
        ('["live", "previous"]', '["live"]'),
        ("= var.encryption_key", '= "k"'),
        ("roles/artifactregistry.reader", "roles/artifactregistry.writer"),
        ("-docker.pkg.dev/", "-docker.example/"),
    ],
    "infra/build/main.tf": [
        ("roles/logging.logWriter", "roles/editor"),
        ("roles/artifactregistry.writer", "roles/artifactregistry.admin"),
        ("roles/iam.serviceAccountUser", "roles/iam.serviceAccountAdmin"),
        ("roles/run.developer", "roles/run.admin"),
        ("roles/storage.objectCreator", "roles/storage.objectAdmin"),
        ("roles/cloudbuild.builds.approver", "roles/owner"),
        ("roles/pubsub.publisher", "roles/pubsub.admin"),
        ("artifactregistry.tags.list", "artifactregistry.repositories.uploadArtifacts"),
        ("objects/turn/", "objects/"),
        ('"enforced"', '"inherited"'),
        ('["source/"]', '["sbom/"]'),
        ("for_each = var.encryption_key[*]", 'for_each = ["k"]'),
        ("default_kms_key_name = encryption.value", 'default_kms_key_name = "k"'),
        (
            '{ for trigger in var.trigger[*] : "push" => trigger }',
            "{ push = var.trigger == null ? local.nobody : var.trigger }",
        ),
        ('"^main$"', '".*"'),
        (
            "  substitutions = {\n    _REPOSITORY",
            '  nobody = { owner = "o", repository = "r", branch = "b" }\n'
            "  substitutions = {\n    _MORE = 1\n    _REPOSITORY",
        ),
        ("--service-account=${google_service_account.builder.id}", "--service-account=default"),
        ("= google_service_account.builder.id", '= "default"'),
        ("= google_service_account.deployer.id", '= "default"'),
        ("= var.approve", "= !var.approve"),
        ("body.message.attributes.image", "body.message.data.image"),
        ('replace(var.repository.url, ".", "[.]")', '".*"'),
        ('file("${path.module}/release.sh")', '"true"'),
        ('"0 4 1 * *"', '"0 4 2 * *"'),
        ("= repository_event_config.value.repository", '= "r"'),
        ("--attribute=image=", "--message="),
    ],
    "infra/watch/main.tf": [
        ("resource.labels.job_name=", "resource.labels.name="),
        ("disable_metric_validation = true", "disable_metric_validation = false"),
        ('exit_code=~\\"0|4|5\\"', 'exit_code=~\\"0\\"'),
        ("--approve,", "--approve-all,"),
        ('for event in local.events : "\\', 'for event in slice(local.events, 0, 2) : "\\'),
        (
            "for_each        = local.figures",
            'for_each = { for name, text in local.figures : name => text if name != "adopted" }',
        ),
        ("EXTRACT(jsonPayload.${each.key})", "EXTRACT(jsonPayload.counts.${each.key})"),
        ("if contains(coalesce(var.alerts, keys(local.alerts)), name)", 'if name != "lag2"'),
        (
            "  alerts = merge({\n",
            "  alerts = merge({\n"
            '    more = { title = "t", severity = "ERROR", query = "q", advice = "a" }\n'
            '    silence = { title = "t", severity = "ERROR", query = "[9m]", advice = "a" }\n',
        ),
        ("local.hearable && !var.clock.paused ?", "false ?"),
        ("> ${var.limits.lag_s}", "> 1"),
        ("var.limits.near_timeout / 100", "var.limits.near_timeout / 10"),
        ('jsonPayload.event=\\"plan.refused\\"', 'jsonPayload.event=\\"plan.made\\"'),
        ('period = "3600s"', 'period = "300s"'),
        ("= local.told", "= slice(local.told, 0, min(1, length(local.told)))"),
        ("in local.charts :", "in slice(local.charts, 0, 7) :"),
        ("index % 2 == 0 ? {} :", "index % 2 == 0 ? { xPos = 0 } :"),
        ("length(var.triggers) > 0 ? 1 : 0", "1"),
        ("build_trigger_id=", "build_id="),
        ("tostring(var.budget.monthly)", '"9"'),
        ("topic_id=", "topic="),
    ],
    "infra/egress/main.tf": [
        ("MANUAL_ONLY", "AUTO_ONLY"),
        ("private_ip_google_access = true", "private_ip_google_access = false"),
        ("= google_compute_address.egress.address", '= "192.0.2.8"'),
    ],
}
# A provider refuses a version with both kinds of value before the assertion is asked.
UNREACHED = {"A value must never be a stored argument."}
SAID = re.compile(r'error_message = "((?:[^"\\]|\\.)*)"')
ASSERTIONS = [
    (path.name, said)
    for path in sorted((PROJECT / "tests" / "infra").glob("*.tftest.hcl"))
    for said in SAID.findall(path.read_text())
    if said not in UNREACHED
]


@pytest.fixture(scope="module")
def faulty(newest: Terraform, tmp_path_factory: pytest.TempPathFactory) -> TestReport:
    """What `terraform test` says about a copy of the project with every fault put in."""
    place = copied(tmp_path_factory)
    for name, changes in FAULTS.items():
        text = (place / name).read_text()
        for piece, instead in changes:
            assert piece in text, f"{name} no longer has {piece!r}: bring this table up to date"
            text = text.replace(piece, instead)
        (place / name).write_text(text)
    fresh = Terraform(newest.provider, tmp_path_factory.mktemp("faulty-data"), place)
    fresh.init()
    return fresh.test()


@pytest.mark.parametrize(
    ("file", "said"), ASSERTIONS, ids=[f"{file}: {said}" for file, said in ASSERTIONS]
)
def test_each_assertion_fails_when_what_it_guards_is_broken(
    file: str, said: str, faulty: TestReport
) -> None:
    mine = [complaint for complaint in faulty.complaints() if complaint.startswith(f"{file}:")]
    assert [complaint for complaint in mine if said in complaint], mine


def test_wide_grants_and_a_replaced_image_are_seen_in_the_faulty_copy(faulty: TestReport) -> None:
    with pytest.raises(AssertionError):
        test_nobody_gets_a_role_on_the_whole_project_but_for_a_few_narrow_ones(faulty)
    with pytest.raises(AssertionError):
        test_nothing_is_open_to_anybody_or_given_by_a_basic_role(faulty)
    with pytest.raises(AssertionError):
        test_only_the_schedule_may_start_the_job_without_being_an_operator_or_the_deployer(faulty)
    with pytest.raises(AssertionError):
        test_another_first_image_changes_nothing_once_the_job_exists(faulty)
