"""What the input `cef` can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bridge import times
from bridge.config import Address, ByteSize, LocalPath
from bridge.config.types import refusal
from bridge.inputs import InputConfig
from bridge.inputs.cef import tables
from bridge.net import Network, ServerTls, is_loopback

_ANY_OCTETS = bytes(range(256))


def _zone(name: str) -> str:
    try:
        times.zone(name)
    except ValueError as error:
        raise refusal(str(error)) from None
    return name


def _encoding(name: str) -> str:
    try:
        _ANY_OCTETS.decode(name, "replace")
    except (LookupError, ValueError):
        raise refusal("is no encoding that is known here; latin-1 is one") from None
    return name


def _table(path: Path) -> Path:
    try:
        tables.load(path)
    except ValueError as error:
        raise refusal(str(error)) from None
    return path


class CefConfig(InputConfig):
    """Where to listen for CEF, whom to hear, and how to read it."""

    address: Address
    """Where to listen, such as `0.0.0.0:5514` or `[::]:5514` (all of IPv4 and IPv6)."""
    transport: Literal["tcp", "udp", "both"] = "tcp"
    """TCP blocks a sender that is too fast; UDP loses, and the losses are counted."""
    tls: ServerTls | None = None
    """Makes TCP TLS."""
    proxy_protocol: bool = False
    """Connections begin with a PROXY header (version 1 or 2), which names the sender."""
    allow_from: list[Network] = []
    """Only these networks may send; behind a proxy: the proxies. Default: everybody."""
    max_connections: int = Field(default=1000, ge=1)
    """More connections at once are refused; each may hold one unfinished frame in memory."""
    idle_seconds: float | None = Field(default=None, gt=0)
    """Close connections on which nothing came for so long; default: never."""
    max_frame_bytes: ByteSize = Field(default=1 << 20, ge=1024)
    """The longest frame; what is longer comes as several events, flagged `over_long`."""
    receive_buffer_bytes: ByteSize = Field(default=4 << 20, ge=4096, le=1 << 30)
    """UDP: the kernel's buffer; above net.core.rmem_max it needs CAP_NET_ADMIN."""
    timezone: Annotated[str, AfterValidator(_zone)] | None = None
    """For times without a zone, or with an ambiguous one (`IST`): `Europe/Berlin`, `+02:00`."""
    fallback_encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    """How to read frames that are not UTF-8; default: what is wrong becomes U+FFFD."""
    escapes: bool = True
    """`false` for a source that escapes nothing and sends Windows paths as they are."""
    quotes: bool = False
    """`true` for a source that puts values with `key=` inside in quotes."""
    join_lines: bool = False
    """`true` for a source with raw line feeds in values: a line that begins like no record
    belongs to the one before it, which waits for the next record or the end of the connection."""
    keep_short_keys: bool = False
    """Keep `cs1` and its label as they came, beside the field that the label names."""
    vendor_tables: list[Annotated[LocalPath, AfterValidator(_table)]] = []
    """Files that name the fields of a vendor's own labels and keys, in the form of
    `bridge/inputs/cef/vendors/cybereason.yaml`; yours counts in place of the built-in one."""

    @model_validator(mode="after")
    def _fits_transport(self) -> Self:
        if self.transport == "udp" and (self.tls or self.proxy_protocol):
            option = "tls" if self.tls else "proxy_protocol"
            raise refusal(f"{option} needs transport: tcp or both")
        return self

    def claims(self) -> list[str]:
        """The ports."""
        if self.address.port == 0:
            return []
        both = self.transport == "both"
        return [f"{one} {self.address}" for one in ("tcp", "udp") if both or self.transport == one]

    def warnings(self) -> list[str]:
        """What is allowed but probably not meant."""
        verified = self.transport == "tcp" and self.tls is not None and self.tls.verify_clients
        if is_loopback(self.address.host) or self.allow_from or verified:
            return []
        return [
            f"anybody who reaches {self.address} can send events: set allow_from, or "
            "tls with verify_clients"
        ]
