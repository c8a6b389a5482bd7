"""TLS for listeners."""

from __future__ import annotations

import ssl
from typing import Literal, Self

from pydantic import model_validator

from bridge.config import LocalPath, Section
from bridge.config.types import refusal
from bridge.errors import BridgeError


class ServerTls(Section):
    """What a listener needs for TLS; the files are read again on SIGHUP."""

    certificate: LocalPath
    """The server's certificate and the chain below it, PEM."""
    key: LocalPath | None = None
    """Its private key, PEM, without a pass phrase; default: it stands in `certificate`."""
    verify_clients: LocalPath | None = None
    """Authorities, PEM: only clients with a certificate that one of these signed are served."""
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
    context.minimum_version = (
        ssl.TLSVersion.TLSv1_3 if config.minimum == "1.3" else ssl.TLSVersion.TLSv1_2
    )
    key = config.key or config.certificate
    try:
        context.load_cert_chain(config.certificate, config.key, password=_no_pass_phrase)
    except (OSError, ValueError) as error:
        raise BridgeError(
            f"the certificate {config.certificate} with the key {key} cannot be used: "
            f"{_reason(error)}; both must be readable PEM files that belong together, the key "
            "without a pass phrase"
        ) from error
    if config.verify_clients:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(config.verify_clients)
        except (OSError, ValueError) as error:
            raise BridgeError(
                f"verify_clients: {config.verify_clients} cannot be used: {_reason(error)}; "
                "it must be a readable PEM file with at least one certificate"
            ) from error
    return context


def _no_pass_phrase() -> str:
    """Asked for when the key is encrypted; without this OpenSSL would ask on the terminal."""
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return getattr(error, "strerror", None) or str(error)
