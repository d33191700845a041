"""Deliveries as Jira makes them, and as others would."""

import hmac
import json
from collections.abc import Mapping
from io import BytesIO

import aiohttp

SECRET = "what Jira and we know,the one before it"
OURS, BEFORE = SECRET.split(",")


def body(ticket_id: str, *, event: str = "jira:issue_updated", words: str = "") -> bytes:
    issue = {"id": ticket_id, "key": "SEC-1", "fields": {"summary": words}}
    return json.dumps({"webhookEvent": event, "issue": issue, "timestamp": 1}).encode()


def signed(said: bytes, *, name: str, secret: str) -> dict[str, str]:
    """The headers of a delivery."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "X-Hub-Signature": f"sha256={hmac.digest(secret.encode(), said, 'sha256').hex()}",
        "X-Atlassian-Webhook-Identifier": name,
        "X-Atlassian-Webhook-Flow": "Primary",
    }


async def post(
    session: aiohttp.ClientSession, url: str, said: bytes, headers: Mapping[str, str]
) -> int:
    async with session.post(url, data=BytesIO(said), headers=headers) as answer:
        await answer.read()
        return answer.status
