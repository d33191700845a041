"""Which signatures are believed."""

import pytest

from job.web.signature import is_signed

SECRET = "It's a Secret to Everybody"
BODY = b"Hello World!"
DIGEST = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"


def test_the_vendors_published_example_is_believed() -> None:
    assert is_signed(BODY, signature=f"sha256={DIGEST}", secrets=[SECRET])


def test_either_of_two_secrets_is_believed_while_one_replaces_the_other() -> None:
    for secrets in ([SECRET, "another secret of ours"], ["another secret of ours", SECRET]):
        assert is_signed(BODY, signature=f"sha256={DIGEST}", secrets=secrets)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        DIGEST,
        f"sha1={DIGEST[:40]}",
        f"sha256={DIGEST[:-1]}",
        f"sha256={DIGEST[:-1]}8",
        f"sha256={DIGEST}0",
        f"sha256={DIGEST}, sha256={DIGEST}",
        f"md5={DIGEST}",
        "sha256=" + "\u0661" * 64,
        "sha256=" + "g" * 64,
    ],
)
def test_any_other_signature_is_not(signature: str) -> None:
    assert not is_signed(BODY, signature=signature, secrets=[SECRET])


def test_one_other_byte_of_the_body_is_another_body() -> None:
    for body in (b"Hello World", b"Hello World! ", b"hello World!", b""):
        assert not is_signed(body, signature=f"sha256={DIGEST}", secrets=[SECRET])


def test_another_secret_or_none_is_not_believed() -> None:
    for secrets in ([], ["another secret of ours"], [SECRET.lower()], [f"{SECRET} "]):
        assert not is_signed(BODY, signature=f"sha256={DIGEST}", secrets=secrets)
