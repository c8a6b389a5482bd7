"""How Graylog's libraries read texts and numbers: Java's `String` and `Double`, Jackson's trees.

Only what `decode` needs, and exactly so: Jackson with `ALLOW_UNQUOTED_CONTROL_CHARS` and
`ALLOW_TRAILING_COMMA` and its default limits, as Graylog 6.2 and later use it.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from itertools import takewhile
from typing import Any, Final

MAX_DEPTH: Final = 1_000
MAX_DIGITS: Final = 1_000
MAX_NAME: Final = 50_000

_MIN_LONG, _MAX_LONG = -(2**63), 2**63 - 1
_TRIMMED: Final = "".join(map(chr, range(0x21)))
_WHITESPACE: Final = re.compile(
    "[\t-\r\x1c- \u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]*"
)
_DIGITS: Final = re.compile(r"[0-9]+")
_DOUBLE: Final = re.compile(
    r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)"
)
_HEX_DOUBLE: Final = re.compile(
    r"([+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?"
)
_STRING: Final = r'"(?:[^"\\]++|\\.)*+"?'
_LAST_COMMA: Final = r"[ \t\n\r]*+,(?=[ \t\n\r]*+[\]}])"
_TRAILING_COMMA: Final = re.compile(
    rf"({_STRING})(?:{_LAST_COMMA})?|([\]}}\w]){_LAST_COMMA}", re.DOTALL
)
_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_BRACKET: Final = re.compile(rf"{_STRING}|([\[{{])|([\]}}])", re.DOTALL)
_UTF8_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


class Unreadable(ValueError):
    """The text is not what Jackson or Java would read; says why."""


def utf8(data: bytes) -> str:
    """`new String(data, UTF_8)`: what is not UTF-8 becomes U+FFFD."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _UTF8_SURROGATE.sub(b"\xef\xbf\xbd", data).decode("utf-8", "replace")


def trim(text: str) -> str:
    """`String.trim`: everything up to U+0020 goes from both ends, nothing else."""
    return text.strip(_TRIMMED)


def is_blank(text: str) -> bool:
    """`StringUtils.isBlank`: only what `Character.isWhitespace` says; no-break spaces are not."""
    return _WHITESPACE.fullmatch(text) is not None


def parse_double(text: str) -> float:
    """`Double.parseDouble`; raises Unreadable."""
    trimmed = trim(text)
    if _DOUBLE.fullmatch(trimmed):
        return float(trimmed.rstrip("fFdD") if trimmed[-1] in "fFdD" else trimmed)
    if match := _HEX_DOUBLE.fullmatch(trimmed):
        try:
            return float.fromhex(match[1])
        except OverflowError:
            return math.copysign(math.inf, -1.0 if trimmed[0] == "-" else 1.0)
    raise Unreadable(f"{text!r} is not a number")


def parse_integer(text: str, bits: int) -> int | None:
    """Jackson's `NumberInput.parseAsInt` and `parseAsLong`; None where they give the default."""
    trimmed = trim(text).removeprefix("+")
    digits = trimmed.removeprefix("-")
    if not digits:
        return None
    if not _DIGITS.fullmatch(digits):
        try:
            return truncated(parse_double(trimmed), bits)
        except Unreadable:
            return None
    significant = digits.lstrip("0") or "0"
    number = int(significant[:20]) * (-1 if trimmed.startswith("-") else 1)
    limit = 1 << (bits - 1)
    return number if len(significant) <= 20 and -limit <= number < limit else None


def truncated(number: float, bits: int) -> int:
    """`(int) number` or `(long) number`: towards zero, held at the ends, 0 for NaN."""
    limit = 1 << (bits - 1)
    if math.isnan(number):
        return 0
    if abs(number) < limit:
        return int(number)
    return limit - 1 if number > 0 else -limit


def wrapped(number: int, bits: int) -> int:
    """`BigInteger.intValue` or `longValue`: the low bits, so that 2⁶⁴-1 becomes -1."""
    half = 1 << (bits - 1)
    return (number + half) % (1 << bits) - half


def rounded(number: float) -> int:
    """`Math.round`: half up, held at the ends of a long, 0 for NaN."""
    if math.isnan(number):
        return 0
    if not _MIN_LONG <= number <= _MAX_LONG:
        return truncated(number, 64)
    floor = math.floor(number)
    return min(floor + (number - floor >= 0.5), _MAX_LONG)


def double_text(number: float) -> str:
    """`Double.toString` of Java 19 and later: the shortest digits, but never less than two."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    digits = Decimal(repr(number)).as_tuple().digits
    places = max(len(digits) - 1 - _trailing_zeros(digits), 1)
    mantissa, _, exponent = f"{number:.{places}e}".partition("e")
    return f"{mantissa}E{int(exponent)}"


def _trailing_zeros(digits: Sequence[int]) -> int:
    return sum(1 for _ in takewhile(lambda digit: digit == 0, reversed(digits)))


def read_tree(text: str) -> tuple[Any, bool]:
    """The first JSON value in the text, and whether a token follows it; raises Unreadable.

    Of a key that occurs twice the last value stands at the first place, as in Jackson's trees.
    """
    start = _blanks_end(text, 0)
    if start == len(text):
        raise Unreadable("empty document")
    _check_depth(text)
    try:
        value, end = _scan(text, start)
    except Unreadable:
        text = _TRAILING_COMMA.sub(r"\1\2", text)
        value, end = _scan(text, start)
    following = _blanks_end(text, end)
    if following == len(text):
        return value, False
    _check_token(text, following)
    return value, True


def container_text(value: Any) -> str:
    """`JsonNode.toString` of an object or array: compact, only control characters escaped."""
    parts: list[str] = []
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if type(item) is _Written:
            parts.append(item.text)
        elif type(item) is dict:
            pending.append(_Written("}"))
            for place, (key, inner) in reversed(list(enumerate(item.items()))):
                pending += [inner, _Written(f"{',' * (place > 0)}{_quoted(key)}:")]
            parts.append("{")
        elif type(item) is list:
            pending.append(_Written("]"))
            for place, inner in reversed(list(enumerate(item))):
                pending += [inner, _Written("," * (place > 0))]
            parts.append("[")
        else:
            parts.append(_scalar_text(item))
    return "".join(parts)


class _Written:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _scalar_text(value: Any) -> str:
    if type(value) is str:
        return _quoted(value)
    if type(value) is float:
        text = double_text(value)
        return text if math.isfinite(value) else f'"{text}"'
    return json.dumps(value)


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _HEX_ESCAPE.sub(lambda match: match[0][:2] + match[0][2:].upper(), quoted)


_HEX_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-f]{4}|.)")


def _blanks_end(text: str, start: int) -> int:
    match = _BLANKS.match(text, start)
    return match.end() if match else start


def _scan(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"{error.msg} at character {error.pos}") from None


def _integer(text: str) -> int:
    if len(text.removeprefix("-")) > MAX_DIGITS:
        raise Unreadable(f"a number of more than {MAX_DIGITS} digits")
    return int(text)


def _decimal(text: str) -> float:
    if len(text) > MAX_DIGITS and sum(map(str.isdigit, text.removeprefix("0"))) > MAX_DIGITS:
        raise Unreadable(f"a number of more than {MAX_DIGITS} digits")
    return float(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if any(len(name) > MAX_NAME for name in tree):
        raise Unreadable(f"a name of more than {MAX_NAME} characters")
    return tree


def _constant(text: str) -> Any:
    raise Unreadable(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(
    strict=False,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_constant,
    object_pairs_hook=_object,
)
_TOKEN: Final = re.compile(
    r'[{\["]|(?P<word>true|false|null)'
    r"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?=[ \t\n\r]|\Z)"
)

_IDENTIFIER: Final = frozenset("Lu Ll Lt Lm Lo Nl Nd Mn Mc Pc Sc Cf".split())


def _check_token(text: str, start: int) -> None:
    """What follows the first value is never read, but its first token must be one."""
    match = _TOKEN.match(text, start)
    if not match or (match["word"] and _goes_on(text[match.end() : match.end() + 1])):
        raise Unreadable(f"{text[start]!r} after the end of the document")


def _goes_on(character: str) -> bool:
    """`Character.isJavaIdentifierPart` of what follows a word; of a surrogate it is not."""
    if not "0" <= character <= "\uffff":
        return False
    return unicodedata.category(character) in _IDENTIFIER or "\x7f" <= character <= "\x9f"


def _check_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += (match[1] is not None) - (match[2] is not None)
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} levels deep")
