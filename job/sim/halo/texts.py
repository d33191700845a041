"""The raw material of Halo's world: rules, packages, files and log lines, with the oddities real
ones have.

Promises: names contain what breaks careless code: a carriage return, a double colon, quotes, long
lines.
Does not do: choosing. estate.py picks from these with its own seeded generator.
"""

from typing import Final

BASE: Final = "https://api.cloudpassage.com"

RULES: Final[dict[str, tuple[str, ...]]] = {
    "csm": (
        "1.4.2 Ensure bootloader password is set",
        "5.2.8 Ensure SSH root login is disabled",
        'Ensure core::dump storage is "none"\r',
        "6.1.10 Ensure no world writable files exist",
    ),
    "fim": ("/etc/cron.d", "/etc/nginx", "/usr/local/bin\r"),
    "lids": ("New local user added", "Sudo authentication failed", "Kernel module::loaded"),
    "sva": ("sudo.x86_64", "openssl:amd64", "linux-image-5.10.0-8-amd64"),
    "image_sva": ("zlib1g", "libssl1.1", "busybox"),
    "sam": ("Account without a password", "Account with a shared user id"),
    "fw": ("Firewall was changed by hand",),
    "agent": ("Agent is out of date", "Agent failed its self-verification"),
    "cloud": (
        "Bucket allows public read",
        "Root account has no MFA",
        "Security group open to the world",
    ),
}
GROUPS: Final = ("Payments", "Web Shop", "Back Office")
CVES: Final = (
    "CVE-2021-3156",
    "CVE-2018-25032",
    "CVE-2022-0778",
    "CVE-2021-44228",
    "CVE-2014-0160",
)

# Newlines arrive as a backslash and an n (cloudpassage/jira_halo_issues_sync, fixture
# server_csm_finding_describe).
CSM_DESCRIPTION: Final = (
    "The setting protects the machine against tampering.\\n\\nRationale: without it anybody with "
    "console access may change what is started.\\n\\nRemediation:\\nSet it, then scan again."
)
