"""TLS for whoever connects: certificates checked, names checked, version 1.2 or newer."""

from __future__ import annotations

import ssl
from typing import Literal, Self

from pydantic import Field, model_validator

from bridge.config import LocalPath, Section
from bridge.config.types import refusal
from bridge.errors import BridgeError
from bridge.net.pem import load_authorities, load_chain, lowest


class ClientTls(Section):
    """What a connection needs for TLS; without options the system's authorities decide."""

    authorities: LocalPath | None = None
    """Authorities, PEM: a file or a folder of hashed names. Default: those of the system."""
    server_name: str | None = Field(default=None, min_length=1)
    """The name that the server's certificate must hold; default: the host of the endpoint."""
    certificate: LocalPath | None = None
    """A client certificate and the chain below it, PEM."""
    key: LocalPath | None = None
    """Its private key, PEM, without a pass phrase; default: it stands in `certificate`."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    """The lowest version of TLS."""
    verify: bool = True
    """`false` takes any certificate of any server: whoever sits in between can read everything."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.authorities or self.certificate:
            try:
                client_context(self)
            except BridgeError as error:
                raise refusal(str(error)) from None
        return self


def client_context(config: ClientTls) -> ssl.SSLContext:
    """A fresh context from the files; raises BridgeError that names the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = lowest(config.minimum)
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif config.authorities:
        load_authorities(context, "authorities", config.authorities)
    else:
        context.load_default_certs()
    if config.certificate:
        load_chain(context, config.certificate, config.key)
    return context
