"""Who may ask: only those who use our own name, and over TCP for more than counts the token."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import socket
from typing import Final

from bridge.config import AdminConfig
from bridge.httpd import Refusal, Request

log = logging.getLogger(__name__)

SCHEMES: Final = ("http", "https")


class Guard:
    """Checks of the socket (without a configuration) or of the TCP address.

    A page of a stranger can make a browser ask here, also through a forwarded socket. It cannot
    read the answers, unless its own name resolves to our address (DNS rebinding): therefore `Host`
    must be an address or a name of ours, and `Origin`, if there is one, the same.
    """

    def __init__(self, config: AdminConfig | None) -> None:
        self._config = config
        self._names = {"localhost", socket.gethostname().lower()}
        if config:
            self._names |= {name.lower() for name in (config.address.host, *config.hosts)}

    def check_names(self, request: Request) -> None:
        """Raises Refusal (421, 403) for a foreign `Host` or `Origin`."""
        host = request.headers.get("host", "").lower()
        if not self._is_ours(host):
            raise Refusal(421, "this name is not served here; admin.hosts lists further names")
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in [f"{way}://{host}" for way in SCHEMES]:
            raise Refusal(403, "other sites may not ask here")

    def check_token(self, request: Request) -> None:
        """Raises Refusal: 403 without a configured token, 401 for a wrong one.

        The socket needs none: the mode of its file lets in its owner alone.
        """
        if self._config is None:
            return
        if self._config.token is None:
            raise Refusal(403, "this is only for the socket; over TCP it needs admin.token")
        try:
            expected = self._config.token.reveal().encode()
        except OSError as error:
            log.error("admin.token cannot be read: %s", error)
            raise Refusal(503, "the token cannot be read on the server") from None
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        correct = hmac.compare_digest(given.strip().encode("latin-1", "replace"), expected)
        if scheme.lower() != "bearer" or not correct:
            if given:
                log.warning("a wrong token for the admin server came from %s", request.peer)
            raise Refusal(401, "this needs the header Authorization: Bearer and admin.token")

    def _is_ours(self, host: str) -> bool:
        name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.split(":")[0]
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
