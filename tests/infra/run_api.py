"""Small Cloud Run and Cloud Build APIs on loopback that real gcloud commands talk to.

Promises: jobs keep the image they were given, an execution runs the image that its job has when it
starts, and succeeds unless it is named in `bad_images`; every request is kept. Nothing leaves this
machine: gcloud reaches it as the proxy of hosts that do not exist. They know only what the commands
of the deployment ask for.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.infra.shelf_api import Registry, Storage

T = TypeVar("T", bound="Api")
PLACEHOLDER = "us-docker.pkg.dev/cloudrun/container/job:latest"


class Api(Protocol):
    """Something that gcloud can be answered by."""

    port: int

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any] | bytes]:
        """One request's status and body."""


@dataclass
class BuildApi:
    """Takes a build and says that it waits."""

    submitted: list[Any] = field(default_factory=list)
    port: int = 0

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any] | bytes]:
        """The build as an operation."""
        self.submitted.append(body)
        name = "projects/acme-sec/locations/europe-west1/builds/b-1"
        kind = "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata"
        build = {"id": "b-1", "name": name, "projectId": "acme-sec", "status": "QUEUED"}
        return 200, {
            "name": "operations/build/acme-sec/b-1",
            "metadata": {"@type": kind, "build": build},
        }


@dataclass
class RunApi:
    """The jobs of one project, and everything that was asked about them."""

    images: dict[str, str]
    bad_images: set[str] = field(default_factory=set)
    bad_commands: set[str] = field(default_factory=set)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    storage: Storage = field(default_factory=Storage)
    registry: Registry = field(default_factory=Registry)
    swap: str = ""
    """An image that somebody else gives the candidate just before it starts."""
    ran: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What each execution ran: its image, and its first argument."""
    port: int = 0

    def environment(self, place: Path) -> dict[str, str]:
        """What makes gcloud talk to this API, without an account."""
        return {
            **os.environ,
            "CLOUDSDK_CONFIG": str(place),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": "http://run.invalid/",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": "http://storage.invalid/",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY": "http://registry.invalid/",
            "CLOUDSDK_STORAGE_PROCESS_COUNT": "1",
            "CLOUDSDK_PROXY_TYPE": "http",
            "CLOUDSDK_PROXY_ADDRESS": "127.0.0.1",
            "CLOUDSDK_PROXY_PORT": str(self.port),
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "True",
            "CLOUDSDK_CORE_PROJECT": "acme-sec",
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "True",
        }

    def executions(self) -> list[tuple[str, Any]]:
        """Each job that was started, and what was asked of that one execution."""
        return [
            (path.rsplit("/", 1)[1].removesuffix(":run"), body)
            for method, path, body in self.requests
            if method == "POST" and path.endswith(":run")
        ]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any] | bytes]:
        """One request's status and body."""
        if path.startswith("registry.invalid"):
            return self.registry.answer(method, path, body)
        self.requests.append((method, path, body))
        name = path.rsplit("/", 1)[1].removesuffix(":run")
        if "/executions/" in path:
            return 200, self._execution(name)
        if name not in self.images:
            return 404, {
                "error": {
                    "code": 404,
                    "status": "NOT_FOUND",
                    "message": f"Job {name} does not exist.",
                }
            }
        if path.endswith(":run"):
            return 200, self._execution(self._start(name, body))
        if method == "PUT":
            (container,) = body["spec"]["template"]["spec"]["template"]["spec"]["containers"]
            self.images[name] = container["image"]
        return 200, self._job(name)

    def _start(self, name: str, body: Any) -> str:
        """Starts an execution with the image that its job has now; its name."""
        if self.swap and name.endswith("candidate"):
            self.images[name] = self.swap
        containers = ((body or {}).get("overrides") or {}).get("containerOverrides") or [{}]
        started = f"{name}-{len(self.ran)}"
        self.ran[started] = (self.images[name], (containers[0].get("args") or ["run"])[0])
        return started

    def _job(self, name: str) -> dict[str, Any]:
        task = {
            "spec": {
                "containers": [{"image": self.images[name]}],
                "maxRetries": 0,
                "timeoutSeconds": "840",
            }
        }
        return {
            "apiVersion": "run.googleapis.com/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": "acme-sec", "generation": 1},
            "spec": {
                "template": {
                    "metadata": {"annotations": {}},
                    "spec": {"taskCount": 1, "template": task},
                }
            },
            "status": {
                "observedGeneration": 1,
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }

    def _execution(self, name: str) -> dict[str, Any]:
        image, command = self.ran[name]
        good = image not in self.bad_images and command not in self.bad_commands
        task = {
            "spec": {
                "containers": [{"image": image}],
                "maxRetries": 0,
                "timeoutSeconds": "840",
            }
        }
        completed = {
            "type": "Completed",
            "status": str(good),
            "message": "" if good else "The container exited with 3.",
        }
        return {
            "apiVersion": "run.googleapis.com/v1",
            "kind": "Execution",
            "metadata": {"name": name, "namespace": "acme-sec"},
            "spec": {"taskCount": 1, "template": task},
            "status": {
                "succeededCount": int(good),
                "failedCount": int(not good),
                "conditions": [{"type": "Started", "status": "True"}, completed],
            },
        }


@contextmanager
def serve(api: T) -> Iterator[T]:
    """Answer gcloud for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.removeprefix("http://").partition("?")
            if isinstance(api, RunApi) and path.startswith("storage.invalid"):
                status, body = api.storage.answer(self.command, path, query, raw)
            else:
                status, body = api.answer(self.command, path, json.loads(raw) if raw else None)
            self.send_response(status)
            told = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 -- the names that http.server looks for

        def log_message(self, *words: object) -> None:
            """The requests are kept; nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield api
        finally:
            server.shutdown()
