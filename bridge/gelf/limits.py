"""What Graylog and the index behind it can hold; beyond it fields, or whole messages, are lost."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 2_000_000
"""The longest document; Graylog closes the connection beyond 2,097,152 (`max_message_size`)."""

TERM_LIMIT: Final = 32_766
"""Bytes of a text that an index takes as one term; a longer one loses the whole message."""
ANALYSED: Final = frozenset({"message", "full_message"})
"""The fields whose texts are no terms and may be longer."""
HOST_LIMIT: Final = 1_024

MIN_LONG: Final = -(2**63)
MAX_LONG: Final = 2**63 - 1
"""An integer outside of 64 bits wraps around without an error."""
MAX_FLOAT: Final = 3.4028234663852886e38
"""An index takes decimals for 32-bit floats on first sight and refuses the message beyond them."""
MAX_TIMESTAMP: Final = 253_402_300_799
"""The last second of the year 9999; the index has no later date."""
LEVELS: Final = range(8)
"""Syslog severities."""
