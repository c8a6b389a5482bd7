"""Synthetic events: EDR-like CEF records whose every field is known.

Six shapes with 11 to 17 pairs, on average some 470 bytes a line; three of four lines carry an RFC
3164 header, one of four RFC 5424; many hold an escape, 8 % an escaped `|` in the header. Each
record carries its number as `externalId`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

NAMES = ["Malop Created", "Malop Updated", "Process Added", "Machine Added", "Connection", "Login"]
FOLDERS = ["Users", "Program Files", "Windows", "Temp", "AppData", "Downloads", "n3ws", "reports"]
WORDS = "the process has an unknown reputation and tried to change a key of the registry".split()


@dataclass(frozen=True, slots=True)
class Record:
    """One line and what it means: header fields and pairs, unescaped."""

    line: bytes
    header: tuple[str, ...]
    pairs: dict[str, str]


def records(count: int, seed: int = 1) -> list[Record]:
    """The same records for the same arguments."""
    rng = random.Random(seed)
    return [record(number, rng) for number in range(count)]


def record(number: int, rng: random.Random) -> Record:
    """Write one record by the standard."""
    shape = number % len(NAMES)
    name = NAMES[shape] + (" | urgent" if rng.random() < 0.08 else "")
    header = ("Example", "Sensor", "23.2", str(shape + 1), name, str(rng.randint(0, 10)))
    pairs = fields(number, shape, rng)
    cef = "CEF:0|" + "|".join(map(escape_header, header)) + "|" + extension(pairs)
    return Record((envelope(number, rng) + cef).encode() + b"\n", header, pairs)


def fields(number: int, shape: int, rng: random.Random) -> dict[str, str]:
    """The pairs of one shape, in the order in which they are written."""
    pairs = {
        "rt": str(1_700_000_000_000 + number * 7),
        "externalId": str(number),
        "src": f"192.0.2.{rng.randint(1, 254)}",
        "dst": f"198.51.100.{rng.randint(1, 254)}",
        "spt": str(rng.randint(1024, 65535)),
        "dpt": rng.choice(["443", "80", "8443"]),
        "shost": f"pc-{rng.randint(1, 500)}.example.org",
        "suser": f"EXAMPLE\\user{rng.randint(1, 99)}" if rng.random() < 0.5 else "system",
        "cs1": f"11.{rng.randint(10**17, 10**18)}",
        "cs1Label": "MalopId",
    }
    if shape in (0, 1, 2):
        pairs["filePath"] = path(rng)
        pairs["fileHash"] = f"{rng.getrandbits(160):040x}"
        pairs["cn1"] = str(rng.randint(0, 9))
        pairs["cn1Label"] = "AffectedMachinesCount"
    if shape in (0, 3):
        pairs["request"] = f"https://console.example.org/#/malop?id={number}&view=full"
        pairs["cs2"] = rng.choice(["MALICIOUS_INFECTION", "RANSOMWARE", "DATA_THEFT"])
        pairs["cs2Label"] = "MalopActivityType"
    if shape in (1, 4):
        pairs["cfp1"] = f"{rng.random():.4f}"
        pairs["cfp1Label"] = "Confidence"
        pairs["in"] = str(rng.randint(0, 10**9))
        pairs["out"] = str(rng.randint(0, 10**9))
    pairs["msg"] = " ".join(rng.choices(WORDS, k=rng.randint(6, 24)))
    if rng.random() < 0.3:
        pairs["msg"] += "\nrule=" + str(rng.randint(1, 99))
    return pairs


def path(rng: random.Random) -> str:
    return "C:\\" + "\\".join(rng.choices(FOLDERS, k=rng.randint(2, 5))) + "\\tool.exe"


def escape_header(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def extension(pairs: dict[str, str]) -> str:
    return " ".join(f"{key}={escape_value(value)}" for key, value in pairs.items())


def escape_value(text: str) -> str:
    return text.replace("\\", "\\\\").replace("=", "\\=").replace("\n", "\\n")


def envelope(number: int, rng: random.Random) -> str:
    second = number % 60
    host = f"fw-{rng.randint(1, 20)}"
    if number % 4 == 3:
        return f"<134>1 2026-01-02T03:04:{second:02}.{number % 1000:03}Z {host} sensor 77 - - "
    return f"<134>Jan  2 03:04:{second:02} {host} sensor: "
