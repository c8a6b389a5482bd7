"""The types that options have beyond text and number.

None of their messages repeats the value: it may be a secret in the wrong place.
"""

from __future__ import annotations

import ipaddress
import re
import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from bridge.config.references import Referenced
from bridge.config.spelling import unknown


def refusal(message: str) -> PydanticCustomError:
    """What a validator of this module raises; the message is shown as it is."""
    return PydanticCustomError("bridge", "{message}", {"message": message})


class FromText:
    """A base for what is written as one text: `_validate` reads it or raises `refusal`,
    `_described` is what its JSON Schema says beside that."""

    __slots__ = ()

    @classmethod
    @abstractmethod
    def _validate(cls, value: object) -> Self: ...

    @classmethod
    @abstractmethod
    def _described(cls) -> dict[str, Any]: ...

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _: Any, __: Any) -> dict[str, Any]:
        return {"type": "string", **cls._described()}


_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[^\W_]([\w-]*\w)?(\.[^\W_]([\w-]*\w)?)*\.?")
_ONLY_DIGITS = re.compile(r"[0-9.]+")


@dataclass(frozen=True, slots=True)
class _HostPort(FromText):
    host: str
    port: int

    example: ClassVar[str]
    least_port: ClassVar[int]

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST:PORT` or `[IPV6]:PORT`; raises ValueError with what is wrong."""
        if "://" in text:
            raise ValueError(f"must be HOST:PORT without a scheme, such as {cls.example}")
        host, colon, port = text.strip().rpartition(":")
        if not colon or not port or "]" in port:
            raise ValueError(f"must be HOST:PORT, such as {cls.example}; the port is missing")
        return cls(cls._host(host), cls._port(port))

    @classmethod
    def _host(cls, host: str) -> str:
        if host.startswith("[") and host.endswith("]"):
            try:
                return str(ipaddress.IPv6Address(host[1:-1]))
            except ValueError:
                raise ValueError("there is no IPv6 address between the brackets") from None
        if ":" in host:
            raise ValueError("an IPv6 address needs brackets, such as [2001:db8::1]:5514")
        if _ONLY_DIGITS.fullmatch(host):
            try:
                return str(ipaddress.IPv4Address(host))
            except ValueError:
                raise ValueError("the host before the port is not an IPv4 address") from None
        if not host:
            raise ValueError(f"must be HOST:PORT, such as {cls.example}; the host is missing")
        if not _HOST_NAME.fullmatch(host):
            raise ValueError(f"must be HOST:PORT, such as {cls.example}; the host is not a name")
        return host

    @classmethod
    def _port(cls, port: str) -> int:
        if not re.fullmatch(r"[0-9]{1,5}", port) or not cls.least_port <= int(port) <= 65535:
            raise ValueError(f"the port must be a whole number from {cls.least_port} to 65535")
        return int(port)

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise refusal(f"must be HOST:PORT, such as {cls.example}")
        try:
            return cls.parse(value)
        except ValueError as error:
            raise refusal(str(error)) from None

    @classmethod
    def _described(cls) -> dict[str, Any]:
        return {"examples": [cls.example]}


class Address(_HostPort):
    """Where to listen: `0.0.0.0:5514`, `[::]:5514`, `localhost:0` (0 is any free port)."""

    __slots__ = ()
    example = "0.0.0.0:5514"
    least_port = 0


class Endpoint(_HostPort):
    """Where to send: `graylog.example.org:12201`, `[2001:db8::1]:12201`."""

    __slots__ = ()
    example = "graylog.example.org:12201"
    least_port = 1


_SIZE = re.compile(r"([0-9][0-9_]{,24}(?:\.[0-9]+)?) ?(B|[KMGT]i?B)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(value: object) -> object:
    """Bytes of `1GiB` (1024³), `1GB` (1000³) or a plain number; other values pass unread."""
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        unit = (match[2] or "").lower().rstrip("b")
        return int(Decimal(match[1]) * (1024 if "i" in unit else 1000) ** _POWERS[unit.rstrip("i")])
    if isinstance(value, int):
        return value
    raise refusal("must be a number of bytes or a size, such as 64KiB or 1GiB")


ByteSize = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(ge=0),
    WithJsonSchema({"type": ["integer", "string"], "minimum": 0}),
]
"""A number of bytes, also written `64KiB`, `1GiB` or `1GB`; an int once it is read."""


def _compiled(pattern: object) -> object:
    """What pydantic does for `re.Pattern`, but the reason is told and nothing else is raised."""
    if not isinstance(pattern, str):
        return pattern
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(pattern)
    except (re.error, Warning) as error:
        where = "" if isinstance(pattern, Referenced) else f": {error}"
        raise refusal(f"is not a regular expression{where}") from None
    except (OverflowError, RecursionError):
        raise refusal("is a regular expression beyond all bounds") from None


Regex = Annotated[re.Pattern[str], BeforeValidator(_compiled)]
"""A regular expression of Python."""


def _placed(path: Path, info: ValidationInfo) -> Path:
    if path == Path():
        raise refusal("must be a path, and other than .")
    if not str(path).isprintable():
        raise refusal("must be a path; this one has control characters")
    try:
        path = path.expanduser()
    except RuntimeError:
        raise refusal("there is no home directory to replace the ~ by") from None
    return Path((info.context or {}).get("folder", "")) / path


LocalPath = Annotated[Path, AfterValidator(_placed)]
"""A path on this machine; `~` is replaced, relative ones start at the folder of the file."""


def _configured(name: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("inputs")
    if known is not None and name not in known:
        raise refusal(unknown("input", name, known))
    return name


InputId = Annotated[str, AfterValidator(_configured)]
"""The id of an input; a name that no input has is refused."""


class Secret(FromText):
    """A text that is never shown; `reveal` gives its current value.

    When it was written as `${file:path}`, the file is read again at each call: a rotated secret is
    picked up without a restart. Two secrets are equal when they had the same value at the start.
    """

    __slots__ = ("_again", "_value")

    def __init__(self, value: str) -> None:
        self._value = str(value)
        self._again: Callable[[], str] | None = getattr(value, "again", None)

    def reveal(self) -> str:
        """The value as it is now; raises OSError when its file cannot be read."""
        return self._again() if self._again else self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise refusal("must be a text: put the value in quotes")
        if not value:
            what = "what it refers to is" if isinstance(value, Referenced) else "it is"
            raise refusal(f"a secret is needed here, but {what} empty")
        return cls(value)

    @classmethod
    def _described(cls) -> dict[str, Any]:
        return {"format": "password"}
