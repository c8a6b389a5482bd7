"""Certificates and authorities out of files; what cannot be used is named, with advice."""

from __future__ import annotations

import ssl
from pathlib import Path

from bridge.errors import BridgeError


def load_chain(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """A certificate with its private key; raises BridgeError."""
    try:
        context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    except (OSError, ValueError) as error:
        raise BridgeError(
            f"the certificate {certificate} with the key {key or certificate} cannot be used: "
            f"{_reason(error)}; both must be readable PEM files that belong together, the key "
            "without a pass phrase"
        ) from error


def load_authorities(context: ssl.SSLContext, option: str, path: Path) -> None:
    """A file of authorities, or a folder of hashed names; raises BridgeError with the option."""
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise BridgeError(
            f"{option}: {path} cannot be used: {_reason(error)}; it must be a readable PEM file "
            "with at least one certificate"
        ) from error


def lowest(version: str) -> ssl.TLSVersion:
    """The version of TLS that `minimum` names."""
    return ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2


def _no_pass_phrase() -> str:
    """Asked for when the key is encrypted; without this OpenSSL would ask on the terminal."""
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return getattr(error, "strerror", None) or str(error)
