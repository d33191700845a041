"""What every command is asked for: how to speak, how to reach the network, which texts are secrets.

Promises: no `repr` shows a secret, and every text that is one is told to who hides them.
Does not do: reading the environment (`load.py`) or Secret Manager (`secrets.py`).
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from job.settings import parse
from job.settings.parse import Secret, Unfit
from job.settings.variable import variable

_NO_SECRETS = frozenset({"halo_api_key"})
"""What may be kept in Secret Manager and shown all the same: memory says whose it is by it."""


def certificates(text: str) -> str | None:
    """The path of a file that TLS can read certificates from. Raises `Unfit` for any other."""
    allowed = "the path of a file of PEM certificates"
    if not text:
        return None
    if not Path(text).is_file():
        raise Unfit(f"{text!r} is not a file.", allowed)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=text)
    except (OSError, ValueError) as error:
        raise Unfit(f"{text!r} cannot be read as certificates: {error}.", allowed) from None
    return text


@dataclass(frozen=True, kw_only=True)
class ProcessSettings:
    """How the process speaks and how it reaches the network: what every command is asked for."""

    log_level: str = variable(
        parse.word("", "debug", "info", "warning", "error"),
        "",
        does="`debug`, `info`, `warning` or `error`; `warning` on a terminal, else `info`.",
    )
    https_proxy: Secret | None = variable(
        parse.proxy,
        "",
        also=("HTTPS_PROXY", "https_proxy"),
        does="Proxy for both remotes, as URL. `NO_PROXY` is honoured.",
    )
    ca_bundle: str | None = variable(
        certificates,
        "",
        also=("CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        does="File of PEM certificates to trust.",
    )

    bound_settings: str = variable(
        str,
        "",
        does="Set by the deployment's command: what no execution may have otherwise.",
    )

    @property
    def rotating(self) -> frozenset[str]:
        """The fields in which the two newest versions of a secret count."""
        return frozenset()

    @property
    def references(self) -> dict[str, str]:
        """The secrets that are still to be read from Secret Manager: field and reference."""
        return {name: text for name, text in self._secrets.items() if text.startswith("sm://")}

    def with_secrets(self, told: Mapping[str, str]) -> Self:
        """The same, with other texts in the fields of these names."""
        return type(self)(**{**vars(self), **{name: Secret(text) for name, text in told.items()}})

    @property
    def spoken_secrets(self) -> list[str]:
        """Every text that is a secret: each by itself, and in the pairs of which HTTP Basic makes
        one text.
        """
        hidden = (text for name, text in self._secrets.items() if name not in _NO_SECRETS)
        return [*hidden, *self._pairs()]

    @property
    def _secrets(self) -> dict[str, str]:
        return {name: value.text for name, value in vars(self).items() if isinstance(value, Secret)}

    def _pairs(self) -> list[str]:
        proxy = urlsplit(self.https_proxy.text if self.https_proxy else "")
        password = unquote(proxy.password or "")
        return [password, f"{unquote(proxy.username or '')}:{password}"] if password else []
