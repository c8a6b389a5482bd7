"""Frames out of a byte stream: LF, CRLF, NUL and octet counting, told apart frame by frame."""

from __future__ import annotations

from typing import Final

from bridge.native import core
from bridge.syslog.starts import AFTER_COUNT, COUNT, COUNT_SO_FAR, NEXT_COUNT, NEXT_LINE, RECORD

_LF, _CR, _ONE, _NINE, _C = b"\n\r19C"
_DELIMITERS: Final = b"\r\n\0"
# A search that is resumed steps back so far, because a start may have been cut in two.
_LONGEST_COUNT: Final = 16
_LONGEST_START: Final = 300
_ENOUGH: Final = 64  # octets, to see whether a record begins


class Framer:
    """Cuts the octets of one connection into frames.

    `max_frame` (octets) bounds frames and memory: a longer frame comes out in pieces. With
    `join_lines` a line that begins like no record belongs to the line before it; a frame is then
    held back until the next record begins or the stream ends.

    As long as octet counts are right the frames do not depend on how the stream arrives. A count
    that is too small is repaired only if what follows it has arrived, for a frame must not wait.
    """

    def __init__(self, max_frame: int = 1 << 20, *, join_lines: bool = False) -> None:
        if max_frame < 1:
            raise ValueError("max_frame must be at least 1")
        self.max_frame = max_frame
        self.join_lines = join_lines
        self.flags: dict[int, frozenset[str]] = {}
        """Repairs of the frames of the last result, by index; named in `bridge.syslog`."""
        self._data = bytearray()
        self._start = 0  # of what is not cut yet
        self._frames: list[bytes] = []
        self._final = False
        self._after_line = False  # the last frame ended with a line feed
        self._after_count = False  # the last frame was counted, and no delimiter came since
        self._no_lf = self._no_nul = self._no_next = 0  # searched up to here, nothing found
        self._inside = False  # is this the rest of a frame, or one whose count was wrong?
        self._repairs: set[str] = set()  # of that frame
        self._left = 0  # octets to come of a counted frame that is longer than the limit
        self._count = b""  # its count, until a piece of it is out

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that these octets complete; the rest is kept."""
        self._data += data
        self._frames, self.flags = [], {}
        if not (self._inside or self._after_count or self.join_lines):
            self._cut_plain_lines()
        return self._cut_all()

    def finish(self) -> list[bytes]:
        """What is left when the stream has ended; afterwards the framer can begin a new one."""
        self._final = True
        self._frames, self.flags = [], {}
        frames = self._cut_all()
        self._final = self._after_line = self._after_count = False
        self._end_frame()
        return frames

    def _cut_plain_lines(self) -> None:
        """As `_cut` would, but sooner: all lines up to the first that is no ordinary record."""
        end = self._data.rfind(_LF, self._no_lf)
        if end < 0 or self._data[0] not in b"<C" or self._data.find(0, 0, end) >= 0:
            return
        if core:
            self._frames, self._start = core.lines(self._data, self.max_frame)
            self._after_line = self._after_line or bool(self._frames)
            return
        block = bytes(self._data[: end + 1])
        for line in block.split(b"\n")[:-1]:
            if line[:1] not in (b"<", b"C") or b"CEF:" not in line or len(line) > self.max_frame:
                break
            self._frames.append(line[:-1] if line.endswith(b"\r") else line)
            self._start += len(line) + 1
            self._after_line = True

    def _cut_all(self) -> list[bytes]:
        while self._start < len(self._data) and self._cut():
            pass
        del self._data[: self._start]
        self._no_lf = max(0, self._no_lf - self._start)
        self._no_nul = max(0, self._no_nul - self._start)
        self._no_next = max(0, self._no_next - self._start)
        self._start = 0
        return self._frames

    def _cut(self) -> bool:
        """Cut one frame or piece, or skip a delimiter; False: more octets are needed."""
        if self._left:
            return self._cut_over_long()
        first = self._data[self._start]
        if not self._inside:
            if first in _DELIMITERS:
                self._start += 1
                self._after_count = False
                return True
            if _ONE <= first <= _NINE:
                if count := COUNT.match(self._data, self._start):
                    return self._cut_counted(count.end(), int(count[1]))
                if not self._final and COUNT_SO_FAR.match(self._data, self._start):
                    return False
            if self._after_count and not AFTER_COUNT.match(self._data, self._start):
                self._distrust_count(self._start)
        return self._cut_line()

    def _emit(self, end: int, following: int, *flags: str) -> None:
        frame = self._count + self._data[self._start : end]
        if frame.strip():
            if flags or self._repairs:
                self.flags[len(self._frames)] = frozenset(self._repairs.union(flags))
            self._frames.append(frame)
        self._start = following
        self._count = b""
        self._after_line = self._after_count = False

    def _end_frame(self) -> None:
        self._inside = False
        self._repairs = set()
        self._left = 0
        self._count = b""

    # Octet counting

    def _cut_counted(self, start: int, count: int) -> bool:
        end = start + count
        if count > self.max_frame:
            self._count = bytes(self._data[self._start : start])
            self._start, self._no_next = start, start
            self._left, self._inside = count, True
        elif end > len(self._data):
            if not self._final:
                return False
            if NEXT_LINE.search(self._data, start):
                self._distrust_count(start)
            else:
                self._start = start
                self._emit(len(self._data), len(self._data), "truncated_frame")
        elif self._may_end(start, end):
            self._start = start
            self._emit(end, end)
            self._after_count = True
        else:
            self._distrust_count(start)
        return True

    def _may_end(self, start: int, end: int) -> bool:
        """Whether a record, a delimiter or nothing yet follows: then the count was right."""
        if end == len(self._data) or self._data[end] in _DELIMITERS:
            return True
        if self._data[end] == _C and self._data.find(b"CEF:", start, end) < 0:
            return False  # it would cut between a syslog header and its record
        return AFTER_COUNT.match(self._data, end) is not None

    def _distrust_count(self, start: int) -> None:
        """Read what follows as a line, which may also end where the next counted frame begins."""
        self._inside = True
        self._repairs = {"wrong_count"}
        self._no_next = start

    def _cut_over_long(self) -> bool:
        """Pieces of a counted frame above the limit, until a line shows that the count is wrong."""
        held = min(len(self._data), self._start + self._left)
        end = self._start + min(self.max_frame, self._left)
        resume, until = max(self._start, self._no_next), min(held, end + _LONGEST_START)
        found = NEXT_LINE.search(self._data, resume, until)
        if found and found.start() <= end:
            self._repairs.add("wrong_count")
            self._emit(self._without_cr(found.start()), found.end())
            self._end_frame()
            return True
        if held < end and not self._final:
            self._no_next = max(self._start, held - _LONGEST_START)
            return False
        if held < end:
            self._repairs.add("truncated_frame")
        self._count = b""
        self._repairs.add("over_long")
        self._left -= min(held, end) - self._start
        self._emit(min(held, end), min(held, end))
        if not self._left:
            self._end_frame()
            self._after_count = True
        return True

    # Delimiters

    def _cut_line(self) -> bool:
        end, following = self._line_end()
        limit = self._start + self.max_frame
        if end > limit:
            if following < 0 and end == limit + 1 and not self._final:
                return False  # the octet too many may be the CR of CRLF
            self._repairs.add("over_long")
            self._inside = True
            cut = self._between_characters(limit)
            self._emit(cut, cut)
            return True
        if following < 0 and not self._final:
            return False
        self._emit_line(end, end if following < 0 else following)
        return True

    def _emit_line(self, end: int, following: int) -> None:
        is_rest = (
            self._after_line
            and not self._inside
            and not RECORD.match(self._data, self._start)
            and self._data.find(b"CEF:", self._start, end) < 0
        )
        ends_line = following > end and self._data[following - 1] == _LF
        self._emit(end, following, *(("continuation",) if is_rest else ()))
        self._end_frame()
        self._after_line = ends_line

    def _line_end(self) -> tuple[int, int]:
        """Where the frame ends and the next begins; -1 for the latter when no end is in sight."""
        end = self._delimiter(self._start)
        while self.join_lines and end >= 0 and self._data[end] == _LF:
            following = self._data[end + 1 : end + 1 + _ENOUGH]
            if RECORD.match(following) or (self._final and not following):
                break
            if len(following) < _ENOUGH and _LF not in following and not self._final:
                return self._without_cr(end), -1
            end = self._delimiter(end + 1)
        limit = len(self._data) if end < 0 else end
        if "wrong_count" in self._repairs:
            if found := NEXT_COUNT.search(self._data, max(self._start, self._no_next), limit):
                return found.start(), found.start()
            self._no_next = max(self._start, limit - _LONGEST_COUNT)
        return (limit, -1) if end < 0 else (self._without_cr(end), end + 1)

    def _delimiter(self, start: int) -> int:
        """The first LF or NUL at or after `start`, or -1; nothing is searched twice."""
        lf = self._data.find(_LF, max(start, self._no_lf))
        self._no_lf = len(self._data) if lf < 0 else lf
        nul = self._data.find(0, max(start, self._no_nul), self._no_lf)
        self._no_nul = self._no_lf if nul < 0 else nul
        return lf if nul < 0 else nul

    def _without_cr(self, end: int) -> int:
        has_cr = end > self._start and self._data[end] == _LF and self._data[end - 1] == _CR
        return end - 1 if has_cr else end

    def _between_characters(self, end: int) -> int:
        """`end`, or up to three octets before it, so that no UTF-8 sequence is torn."""
        for cut in range(end, max(self._start, end - 4), -1):
            if self._data[cut] & 0xC0 != 0x80:
                return cut
        return end
