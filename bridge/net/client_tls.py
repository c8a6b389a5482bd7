"""TLS for whoever connects: certificates checked, names checked, version 1.2 or newer."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from bridge.config import LocalPath, Section
from bridge.config.types import refusal
from bridge.errors import BridgeError


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
    context.minimum_version = (
        ssl.TLSVersion.TLSv1_3 if config.minimum == "1.3" else ssl.TLSVersion.TLSv1_2
    )
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif config.authorities:
        _load_authorities(context, config.authorities)
    else:
        context.load_default_certs()
    if config.certificate:
        _load_certificate(context, config.certificate, config.key)
    return context


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise BridgeError(
            f"authorities: {path} cannot be used: {_reason(error)}; "
            "it must be a readable PEM file with at least one certificate"
        ) from error


def _load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    except (OSError, ValueError) as error:
        raise BridgeError(
            f"the certificate {certificate} with the key {key or certificate} cannot be used: "
            f"{_reason(error)}; both must be readable PEM files that belong together, the key "
            "without a pass phrase"
        ) from error


def _no_pass_phrase() -> str:
    """Asked for when the key is encrypted; without this OpenSSL would ask on the terminal."""
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return getattr(error, "strerror", None) or str(error)
