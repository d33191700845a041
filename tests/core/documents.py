"""Documents as a test looks at them: held against the vendor's schema, and read as plain words.

Also any words at all, to make documents of.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft4Validator, ValidationError, validators

from job.core import adf
from tests.kit.schemas import SCHEMAS


@cache
def schema() -> Any:
    """A validator for the vendor's schema, with a shortcut that makes it fit for property tests."""
    file = SCHEMAS / "adf-schema-full.json"
    if not file.exists():
        pytest.skip(f"the vendor's schema {file} is missing; VENDOR_SCHEMAS names its folder")
    whole = json.loads(file.read_text())

    def any_of(
        validator: Any, options: list[Any], instance: Any, part: Any
    ) -> Iterator[ValidationError]:
        """Alternatives for another type of node would fail as well, but slowly."""
        kind = instance.get("type") if isinstance(instance, dict) else None
        fitting = [
            option
            for option in options
            if kind is None or _may_be(kind, option, nodes=whole["definitions"])
        ]
        yield from Draft4Validator.VALIDATORS["anyOf"](validator, fitting, instance, part)

    extended: Any = validators.extend(Draft4Validator, {"anyOf": any_of})  # type: ignore[no-untyped-call]
    return extended(whole)


def _may_be(kind: object, option: Any, *, nodes: Any) -> bool:
    if "$ref" in option:
        return _may_be(kind, nodes[option["$ref"].rpartition("/")[2]], nodes=nodes)
    if "allOf" in option:
        return all(_may_be(kind, part, nodes=nodes) for part in option["allOf"])
    return kind in option.get("properties", {}).get("type", {}).get("enum", [kind])


def opened(document: adf.Document) -> Any:
    """A document as nodes again."""
    return json.loads(bytes(document))


def plain(node: Any) -> str:
    """All words of a document, a line for each block."""
    return "\n".join(line for line in _lines(node) if line)


def _lines(node: Any) -> list[str]:
    children = node.get("content", [])
    if all(child["type"] == "text" for child in children):
        return ["".join(child["text"] for child in children)]
    return [line for child in children for line in _lines(child)]


def utf16_units(document: Any) -> int:
    return len(plain(document).encode("utf-16-le")) // 2


# Characters that break careless code, among all others: halves of pairs, controls, emoji, line
# ends.
words = st.text(
    st.characters() | st.sampled_from("\ud800\udfff\x00\x1b\x7f\r\n\t\u2028😀<>&\"'"), max_size=200
)
long_words = st.builds(
    lambda text, length: text * (length // len(text)),
    st.sampled_from(["a", "word ", "a line " * 20 + "\n", "é", "😀", '"']),
    st.integers(1, 60_000),
)
