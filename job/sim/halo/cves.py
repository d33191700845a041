"""What Halo tells of single vulnerabilities.

Promises: keys with spaces and capitals, as seen in clients (Halo SDK, test_integration_cve_details;
cloudpassage/custom_sva_report); of some only the old vector is known, of some none, and most are
not known at all, which is 404.
Does not do: findings (`evidence.py`).
"""

from typing import Any, Final

from job.sim.call import Answer, json_answer
from job.sim.halo.refusals import not_found

_SUMMARIES: Final = {
    "CVE-2021-3156": "Sudo before 1.9.5p2 contains an off-by-one error that can result in a "
    "heap-based buffer overflow, which allows privilege escalation to root.",
    "CVE-2018-25032": "zlib before 1.2.12 allows memory corruption when deflating.",
    "CVE-2022-0778": "The BN_mod_sqrt() function in OpenSSL contains a bug that can cause it to "
    "loop forever for non-prime moduli.",
    "CVE-2021-44228": "Apache Log4j2 JNDI features do not protect against attacker controlled "
    "LDAP and other JNDI related endpoints.",
    "CVE-2014-0160": "The TLS and DTLS implementations in OpenSSL do not properly handle Heartbeat "
    "Extension packets.",
}
_LOCAL: Final = frozenset({"CVE-2021-3156"})
_WITHOUT_V3: Final = frozenset({"CVE-2014-0160"})
_WITHOUT_METRICS: Final = frozenset({"CVE-2018-25032"})


def cve_answer(cve_id: str) -> Answer:
    """The bare object, or 404."""
    if cve_id not in _SUMMARIES:
        return not_found(f"/v1/cve_details/{cve_id}")
    place = "LOCAL" if cve_id in _LOCAL else "NETWORK"
    body: dict[str, Any] = {
        "CVE": cve_id,
        "summary": _SUMMARIES[cve_id],
        "Vulnerable packages": [{"name": "p", "version": str(at)} for at in range(50)],
    }
    if cve_id not in _WITHOUT_METRICS:
        body["CVSS Metrics"] = {
            "score": 7.2,
            "access_vector": place,
            "access_complexity": "LOW",
            "authentication": "NONE",
            "confidentiality_impact": "COMPLETE",
        }
    if cve_id in _WITHOUT_V3:
        body["CVSS v3 Metrics"] = None
    elif cve_id not in _WITHOUT_METRICS:
        body["CVSS v3 Metrics"] = {
            "attack_vector": place,
            "attack_complexity": "LOW",
            "privileges_required": "LOW" if place == "LOCAL" else "NONE",
            "user_interaction": "NONE",
            "scope": "UNCHANGED",
            "base_severity": "HIGH",
            "vector_string": "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
        }
    return json_answer(body)
