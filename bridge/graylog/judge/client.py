"""The judge's process, and questions to it."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from bridge.errors import BridgeError
from bridge.graylog.judge import toolchain
from bridge.graylog.judge.answers import Outcome, Parsed, ParseError, Verdict
from bridge.graylog.judge.inputs import GraylogInput, Settings

_OPTIONS: Final = (
    *("-Xmx700m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    # Graylog logs each message that it refuses; the judge says so in its answer.
    "-Dlog4j2.loggerContextFactory=org.apache.logging.log4j.simple.SimpleLoggerContextFactory",
    "-Dorg.apache.logging.log4j.simplelog.level=OFF",
)


class JudgeError(BridgeError):
    """The judge could not answer: an unusable question, or its process has ended."""


class Judge:
    """Graylog's own GELF decoder, rule engine and inputs, in a Java process of their own.

    `with Judge("7.0.1") as judge:` starts it (about 2 s; the first time also Maven, about 15 s).
    Calls block until the answer is there, mostly less than a millisecond. Raises JudgeMissing where
    it cannot run, and JudgeError when it cannot answer.
    """

    def __init__(self, version: str = toolchain.DEFAULT) -> None:
        self.version = version
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._inputs = 0

    @property
    def pid(self) -> int:
        """The process, to be stopped, continued or killed by those who test with that."""
        return self._running().pid

    def start(self) -> None:
        """Fetch and compile what is missing, and start."""
        line = toolchain.line(self.version)
        jdk = toolchain.find_jdk(line.java)
        jars = toolchain.jars(line)
        classes = toolchain.classes(jars, jdk)
        self._folder = tempfile.TemporaryDirectory(prefix="gelf-bridge-judge-")
        with self._log().open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a command of our own
                [str(jdk / "bin" / "java"), *_OPTIONS, "-cp", f"{classes}:{jars}/*", "Judge"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        try:
            self._answer()
        except JudgeError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process; safe twice."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    _pipe(pipe).close()
            process.kill()
            process.wait()
        if self._folder is not None:
            self._folder.cleanup()

    def kill(self) -> None:
        """End the process at once (SIGKILL); what its inputs handed over can still be read."""
        process = self._running()
        process.kill()
        process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def ask(self, command: str, **question: Any) -> Any:
        """The judge's answer to any command that it knows (`Judge.java` lists them)."""
        pipe = _pipe(self._running().stdin)
        try:
            pipe.write(json.dumps({"command": command, **question}).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            raise self._ended() from None
        return self._answer()

    def functions(self) -> dict[str, list[str]]:
        """The functions that rules can call, and their parameters; optional ones end in `?`."""
        found: dict[str, list[str]] = self.ask("functions")
        return found

    def decode(self, document: bytes, remote: str = "127.0.0.1") -> Verdict:
        """What a GELF input makes of a message from `remote`, before any rule."""
        return Verdict.of(self.ask("decode", **_document(document), remote=remote))

    def parse_rule(self, source: str) -> Parsed:
        """What Graylog's parser says of a rule."""
        return _parsed(self.ask("parse_rule", source=source))

    def parse_pipeline(self, source: str) -> Parsed:
        """What Graylog's parser says of a pipeline."""
        return _parsed(self.ask("parse_pipeline", source=source))

    def load(
        self,
        rules: Iterable[str],
        pipelines: Iterable[str],
        *,
        streams: Mapping[str, str] | None = None,
        connections: Mapping[str, Sequence[str]] | None = None,
        lookups: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Take these sources, in place of all before; raises JudgeError where one does not parse.

        `streams`: id → title, beside the default stream. `connections`: id of a stream → names of
        pipelines; all pipelines are on the default stream when it is left out. `lookups`: table →
        key → value.
        """
        optional = {"streams": streams, "connections": connections, "lookups": lookups}
        given = {name: value for name, value in optional.items() if value is not None}
        self.ask("load", rules=list(rules), pipelines=list(pipelines), **given)

    def run(
        self, message: bytes | Mapping[str, Any], streams: Sequence[str] | None = None
    ) -> Outcome:
        """Send a message through the loaded pipelines.

        `message` is a GELF document, which is decoded first, or the fields of a message as Graylog
        holds it (`timestamp` as ISO 8601 text, now when it is missing). `streams` are the titles of
        the streams that it is in; the default stream when left out.
        """
        question: dict[str, Any] = (
            {"fields": message} if isinstance(message, Mapping) else _document(message)
        )
        if streams is not None:
            question["streams"] = list(streams)
        answer = self.ask("run", **question)
        if "rejected" in answer:
            return Outcome(rejection=answer["rejected"])
        return Outcome(tuple(map(Verdict.of, answer["messages"])), tuple(answer["ran"]))

    @contextlib.contextmanager
    def input(
        self, kind: str, *, port: int = 0, delay_us: int = 0, **settings: Settings
    ) -> Iterator[GraylogInput]:
        """A running GELF input of Graylog on 127.0.0.1; see `GraylogInput`."""
        if self._folder is None:
            raise JudgeError("the judge is not running")
        self._inputs += 1
        file = Path(self._folder.name) / f"input-{self._inputs}"
        own = GraylogInput(self.ask, kind, file, port=port, delay_us=delay_us, settings=settings)
        own.start()
        try:
            yield own
        finally:
            if self._process is not None and self._process.poll() is None:
                own.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise JudgeError("the judge is not running")
        return self._process

    def _answer(self) -> Any:
        line = _pipe(self._running().stdout).readline()
        if not line.endswith(b"\n"):
            raise self._ended()
        answer = json.loads(line)
        if "error" in answer:
            raise JudgeError(f"the judge cannot answer: {answer['error']}")
        return answer["answer"]

    def _ended(self) -> JudgeError:
        words = self._log().read_text(encoding="utf-8", errors="replace").strip()[-2000:]
        return JudgeError(f"the judge's process has ended. {words}".strip())

    def _log(self) -> Path:
        if self._folder is None:
            raise JudgeError("the judge is not running")
        return Path(self._folder.name) / "stderr"


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise JudgeError("the judge is not running")
    return pipe


def _document(document: bytes) -> dict[str, Any]:
    return {"document": base64.b64encode(document).decode()}


def _parsed(answer: Mapping[str, Any]) -> Parsed:
    return Parsed(tuple(answer["names"]), tuple(ParseError(**each) for each in answer["errors"]))
