"""Runs the real terraform on a folder, with the real provider or an offline stand-in that serves
its schema.

Promises: nothing is written into the project; a wrong exit is the caller's to judge. Where the
provider comes from, in this order: the command prefix in TERRAFORM_OFFLINE (such as `python
terraform_offline.py SCHEMA.json --`); `../shared/tools/terraform_offline.py` with the schemas in
VENDOR_SCHEMAS or `../shared/data`; the registry, by an ordinary `terraform init`. Without any of
them the tests are skipped, with the reason.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.tools import PROJECT, give_up, machine_program, python_tool

SHARED = PROJECT.parent / "shared"
SCHEMAS = sorted(
    Path(os.environ.get("VENDOR_SCHEMAS", SHARED / "data")).glob("google-provider-schema-*.json")
)
STAND_IN = SHARED / "tools" / "terraform_offline.py"


GRANT = {
    "attributes": {
        **{name: {"type": "string", "required": True} for name in ("member", "role", "topic")},
        **{name: {"type": "string", "computed": True} for name in ("etag", "id")},
        "project": {"type": "string", "computed": True, "optional": True},
    }
}
READS = {
    "attributes": {
        "log_type": {"type": "string", "required": True},
        "exempted_members": {"type": ["set", "string"], "optional": True},
    }
}
AUDIT = {
    "attributes": {
        **{name: {"type": "string", "required": True} for name in ("project", "service")},
        **{name: {"type": "string", "computed": True} for name in ("etag", "id")},
    },
    "block_types": {"audit_log_config": {"nesting_mode": "set", "block": READS, "min_items": 1}},
}
MORE = {"google_pubsub_topic_iam_member": GRANT, "google_project_iam_audit_config": AUDIT}
"""Two resources that saved schemas may lack, as the provider's documentation describes them."""


def with_more(schema: Path, place: Path) -> str:
    """The path of a saved schema that knows these two as well."""
    saved = json.loads(schema.read_text())
    (provider,) = saved["provider_schemas"].values()
    for name, block in MORE.items():
        provider["resource_schemas"].setdefault(name, {"version": 0, "block": block})
    whole = place / schema.name
    whole.write_text(json.dumps(saved))
    return str(whole)


@dataclass(frozen=True)
class Provider:
    """One way to get the google provider: a command prefix that serves it, or none for the
    registry's own.
    """

    label: str
    prefix: tuple[str, ...] = ()
    schema: Path | None = None


def providers() -> list[Provider]:
    """Every provider version that this machine can test against, oldest first."""
    if prefix := os.environ.get("TERRAFORM_OFFLINE"):
        return [Provider("TERRAFORM_OFFLINE", tuple(shlex.split(prefix)))]
    if STAND_IN.exists() and SCHEMAS:
        return [
            Provider(path.stem.removeprefix("google-provider-schema-"), schema=path)
            for path in SCHEMAS
        ]
    return [Provider("registry")]


@dataclass(frozen=True)
class Terraform:
    """The terraform binary with one provider and a data folder of its own, in a place with a
    configuration.
    """

    provider: Provider
    data: Path
    place: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one terraform command; its output and exit are the caller's."""
        settings = self.data / "terraformrc"
        settings.touch()
        prefix = list(self.provider.prefix)
        if self.provider.schema:
            served = with_more(self.provider.schema, self.data)
            prefix = [python_tool("python"), str(STAND_IN), served, "--"]
        return subprocess.run(
            [*prefix, machine_program("terraform"), *words],
            cwd=self.place,
            env={
                **os.environ,
                "TF_CLI_CONFIG_FILE": str(settings),
                "TF_DATA_DIR": str(self.data),
                "TF_IN_AUTOMATION": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def init(self, *, tests: str = "tests/infra") -> None:
        """Install modules and, with the registry, the provider."""
        done = self.run(
            "init",
            "-backend=false",
            "-input=false",
            "-no-color",
            f"-test-directory={tests}",
        )
        if (
            done.returncode != 0
            and self.provider.label == "registry"
            and "query available provider" in done.stderr
        ):
            give_up("neither the registry nor TERRAFORM_OFFLINE has the google provider")
        assert done.returncode == 0, done.stdout + done.stderr

    def test(self, *, tests: str = "tests/infra", only: str = "") -> "TestReport":
        """Run every *.tftest.hcl of a folder, or only one, and keep what terraform says of it."""
        chosen = [f"-filter={tests}/{only}.tftest.hcl"] if only else []
        done = self.run("test", "-json", "-verbose", f"-test-directory={tests}", *chosen)
        return TestReport(
            [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")],
            done.stdout,
        )


@dataclass(frozen=True)
class TestReport:
    """What `terraform test -json -verbose` said."""

    __test__ = False

    messages: list[dict[str, Any]]
    text: str

    def statuses(self) -> dict[str, str]:
        """How each run ended, by "file: run"."""
        return {
            f"{Path(said['@testfile']).name}: {said['@testrun']}": said["test_run"]["status"]
            for said in self.messages
            if said["type"] == "test_run" and said["test_run"].get("progress") == "complete"
        }

    def complaints(self) -> list[str]:
        """Every error, as "file: text"."""
        found = [(said.get("@testfile", ""), said.get("diagnostic", {})) for said in self.messages]
        return [
            f"{Path(file).name}: {diagnostic['summary']}: {diagnostic['detail']}"
            for file, diagnostic in found
            if diagnostic.get("severity") == "error"
        ]

    def plan(self, run: str) -> list[dict[str, Any]]:
        """The resource changes that one run planned."""
        (plan,) = [
            said["test_plan"]
            for said in self.messages
            if said["type"] == "test_plan" and said["@testrun"] == run
        ]
        return list(plan["resource_changes"])

    def of_run(self, run: str) -> "TestReport":
        """What one run left behind, alone."""
        states = [
            said
            for said in self.messages
            if said["type"] == "test_state" and said["@testrun"] == run
        ]
        return TestReport(states[-1:], "")

    def resources(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Address, type and values of every managed resource that any run planned or applied."""
        for said in self.messages:
            if said["type"] == "test_state":
                yield from _of_module(said["test_state"].get("root_module", {}))
            elif said["type"] == "test_plan":
                for change in said["test_plan"].get("resource_changes", []):
                    yield change["address"], change["type"], change["change"]["after"] or {}


def _of_module(module: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for resource in module.get("resources", []):
        yield resource["address"], resource["type"], resource["values"]
    for child in module.get("child_modules", []):
        yield from _of_module(child)
