"""Syslog: the header of one frame, and frames out of a stream or a datagram. Pure.

`parse_envelope` reads RFC 5424 and RFC 3164 headers; `Framer` cuts a byte stream (RFC 6587, both
methods, told apart frame by frame); `split_datagram` does the same for one datagram.

Flags of frames, by name:

================ ==================================================================================
over_long        One piece of a frame that is longer than the limit; the others follow or precede.
truncated_frame  The stream ended before the octet count of the frame was full.
wrong_count      The octet count did not end where a frame ends; the frame was cut by other signs.
continuation     A line that begins like no record, so probably the rest of the line before it,
                 which had a raw line feed in a value.
octet_count      A datagram, or a frame given to `parse_envelope`, had an octet count in front.
================ ==================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.syslog.envelope import Envelope, parse_envelope

if TYPE_CHECKING:
    from bridge.syslog.datagram import split_datagram
    from bridge.syslog.framing import Framer

__all__ = ["Envelope", "Framer", "parse_envelope", "split_datagram"]


def __getattr__(name: str) -> Any:
    """What cuts frames is loaded at first use: `import bridge.cef` has no need of it."""
    if name == "Framer":
        from bridge.syslog.framing import Framer

        return Framer
    if name == "split_datagram":
        from bridge.syslog.datagram import split_datagram

        return split_datagram
    raise AttributeError(f"module 'bridge.syslog' has no attribute {name!r}")
