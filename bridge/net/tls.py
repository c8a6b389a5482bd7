"""TLS for listeners."""

from __future__ import annotations

import ssl
from typing import Literal, Self

from pydantic import model_validator

from bridge.config import LocalPath, Section
from bridge.config.types import refusal
from bridge.errors import BridgeError
from bridge.net.pem import load_authorities, load_chain, lowest


class ServerTls(Section):
    """What a listener needs for TLS; the files are read again on SIGHUP."""

    certificate: LocalPath
    """The server's certificate and the chain below it, PEM."""
    key: LocalPath | None = None
    """Its private key, PEM, without a pass phrase; default: it stands in `certificate`."""
    verify_clients: LocalPath | None = None
    """Authorities, PEM (a file or a folder of hashed names): only clients with a certificate that
    one of these signed are served."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    """The lowest version of TLS."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        try:
            server_context(self)
        except BridgeError as error:
            raise refusal(str(error)) from None
        return self


def server_context(config: ServerTls) -> ssl.SSLContext:
    """A fresh context from the files; raises BridgeError that names the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = lowest(config.minimum)
    load_chain(context, config.certificate, config.key)
    if config.verify_clients:
        context.verify_mode = ssl.CERT_REQUIRED
        load_authorities(context, "verify_clients", config.verify_clients)
    return context
