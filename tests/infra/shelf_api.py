"""Cloud Storage and Artifact Registry on loopback, as far as a release asks for them.

Promises: an object that may be made only where there is none is made once, whoever asks at the same
time; a tag names one image. What they know besides is what gcloud needs to get that far.
"""

import base64
import hashlib
import re
import threading
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, dict[str, Any] | bytes]
MISSING: Answer = (404, {"error": {"code": 404, "message": "There is no such object."}})


@dataclass
class Storage:
    """One bucket."""

    objects: dict[str, bytes] = field(default_factory=dict)
    made: list[bytes] = field(default_factory=list)
    _only_one: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, query: str, raw: bytes) -> Answer:
        """One request's status and body."""
        with self._only_one:
            if method == "POST":
                return self._make(query, raw)
            name = path.partition("/o/")[2].replace("%2F", "/")
            if not name:
                return 200, {"items": [self._described(known) for known in self.objects]}
            if name not in self.objects:
                return MISSING
            if method == "DELETE":
                del self.objects[name]
                return 204, b""
            return 200, self.objects[name] if "alt=media" in query else self._described(name)

    def _make(self, query: str, raw: bytes) -> Answer:
        (name,) = re.findall(rb'"name": "([^"]+)"', raw)
        if name.decode() in self.objects and "ifGenerationMatch=0" in query:
            return 412, {"error": {"code": 412, "message": "There is one already."}}
        # The description and the content are two parts, divided by a line of the client's own.
        (content,) = re.findall(rb"binary\r?\n\r?\n(.*)\r?\n--", raw, re.DOTALL)
        self.objects[name.decode()] = content
        self.made.append(content)
        return 200, self._described(name.decode())

    def _described(self, name: str) -> dict[str, Any]:
        content = self.objects[name]
        summed = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        told = {"name": name, "bucket": "b", "generation": "1", "md5Hash": summed}
        link = (
            f"http://storage.invalid/download/storage/v1/b/b/o/{name.replace('/', '%2F')}?alt=media"
        )
        return {**told, "size": str(len(content)), "mediaLink": link}


@dataclass
class Registry:
    """One repository of images."""

    tags: dict[str, str] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: Any) -> Answer:
        """One request's status and body."""
        if method == "GET" and "/tags/" not in path:
            return 200, {"name": path.partition("/v1/")[2], "format": "DOCKER"}
        if method == "GET":
            name = path.rsplit("/", 1)[1]
            told = {"name": path.partition("/v1/")[2], "version": self.tags.get(name)}
            return (200, told) if name in self.tags else MISSING
        named = body["name"].rsplit("/", 1)[1]
        self.tags[named] = body["version"].rsplit("/", 1)[1]
        return 200, body
