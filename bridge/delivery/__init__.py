"""From the spool to one output: order, window, hold-back, back-off, dead letters.

::

    committed          confirmed            sent                  spool's end
        │  held back       │   under way      │      waiting           │
    ────┴──────────────────┴──────────────────┴────────────────────────┴──▶ rows

Sends start in the order of the spool. `confirmed` follows the unbroken prefix of batches whose
`send` returned; `committed` is the cursor in the spool and lags by the output's
`hold_back_seconds`, and until the peer has shown after them that it lives: the time of a frozen one
does not count. After an error everything behind `confirmed` is sent again; after an unclean end of
a connection that carried confirmed messages, everything behind `committed`.

`loop` is the loop, `window` how much of it may run at once, `suspect` how a message is found that
breaks every connection, `selection` what an output gets at all.
"""

from __future__ import annotations

from bridge.delivery.loop import Delivery

__all__ = ["Delivery"]
