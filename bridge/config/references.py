"""References in a configuration: `${env:NAME}`, `${env:NAME:-default}` and `${file:path}`.

They are resolved in texts after the YAML is parsed, so what they stand for can never change the
shape of the configuration. `$${` is the text `${`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.config.spelling import nearest

MAX_FILE_BYTES = 65_536

_SAME_NAME = 0.85
"""How alike the name of a variable must be to be named: among many, some always resembles."""

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<body>[^{}]*)\}|\$\{")
_BODY = re.compile(
    r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?|file:(?P<path>.+)", re.DOTALL
)


class UnresolvedError(Exception):
    """A text whose references cannot be resolved; one sentence for each."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


class Referenced(str):
    """A text that came from references: `written` is the text with them in it, `again()` resolves
    them once more and raises OSError when a file cannot be read."""

    written: str
    again: Callable[[], str]

    def __repr__(self) -> str:
        return repr(self.written)


class Resolver:
    """Resolves references; relative paths start at `folder`."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder

    def resolve(self, text: str) -> str:
        """`text` itself, or a `Referenced` when it has references; raises UnresolvedError."""
        if "${" not in text:
            return text
        reasons: list[str] = []
        found = False

        def value(match: re.Match[str]) -> str:
            nonlocal found
            found = found or match["body"] is not None
            try:
                return self._value(match)
            except (OSError, LookupError) as error:
                reasons.append(str(error.args[0]))
                return ""

        resolved = _REFERENCE.sub(value, text)
        if reasons:
            raise UnresolvedError(reasons)
        if not found:
            return resolved
        result = Referenced(resolved)
        result.written = text
        result.again = lambda: _REFERENCE.sub(self._value, text)
        return result

    def _value(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match["body"] is None:
            raise LookupError("a reference is not closed: write ${env:NAME} or ${file:path}")
        body = _BODY.fullmatch(match["body"])
        if body is None:
            raise LookupError(
                "this is not a reference: write ${env:NAME}, ${env:NAME:-default} or "
                "${file:path}, and $${ for the text ${"
            )
        if body["path"] is not None:
            return read_secret(self._folder / body["path"])
        return self._variable(body["name"], body["default"])

    def _variable(self, name: str, default: str | None) -> str:
        value = self._environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            meant = nearest(name, self._environ, cutoff=_SAME_NAME)
            hint = (
                f", did you mean {meant}?"
                if meant
                else f"; set it, or give a default: ${{env:{name}:-…}}"
            )
            raise LookupError(f"the environment variable {name} is not set{hint}")
        return value


def read_secret(path: Path) -> str:
    """The text of a small file without the line ends after it; raises OSError with a sentence.

    At most 64 KiB of UTF-8; no device, no pipe (either could block for ever).
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError(f"{path} is not a file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise OSError(f"the file {path} is longer than {MAX_FILE_BYTES} bytes")
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise OSError(f"the file {path} is not UTF-8 text") from None
    except OSError as error:
        reason = f"the file {path} cannot be read: {error.strerror}" if error.strerror else error
        raise OSError(str(reason)) from None
    except ValueError:
        raise OSError("the path contains a character that no path can have") from None
