"""Events of both sources by chance, from a seed: ordinary ones with odd values in between."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.graylog.samples import Sample, cylance, of_cef, of_cylance, rule_set

NAMES: Final = [
    *("Malop Created", "Malop Updated", "Malop Machine Added", "Malop Process Added"),
    *("Malop Connection Added", "Malop User Added", "Malware Added", "Malware Created"),
    *("Malop Machine Information", "Malop Updated Machine Information", "General/Login"),
    *("Malop Investigation/MalopComment", "malop created", "Something New", "", "None"),
]
LABELS: Final = [
    *("MalopId", "malopID", "MalopDetectionType", "MalopActivityType", "MalopHashList"),
    *("DecisionFeatures", "malopKeySuspicion", "IncidentLink", "linkToMalop", "isSigned"),
    *("AffectedMachinesCount", "affectedUsers", "ModifiedTime", "malopUpdateTime", "isOnline"),
    *("isMalicious", "isOriginalMachine", "machineName", "affectedMachine", "machineIP"),
    *("OSVersion", "username", "processSha1", "parentProcess", "investigation", "Other Label"),
]
KEYS: Final = [
    *("dst", "dpt", "destinationTranslatedAddress", "dhost", "duser", "suser", "dvc", "dvchost"),
    *("rt", "start", "deviceFacility", "requestContext", "request", "deviceProcessName", "reason"),
    *("fname", "fileHash", "cs1", "cs2", "cs3", "cs4", "cs5", "cs6", "cn1", "cn2", "cn3", "cfp1"),
    *("cfp2", "cfp3", "flexString1", "flexString2", "deviceCustomDate1", "deviceCustomDate2"),
    *(
        f"CybereasonCEFgenerator{name}"
        for name in (
            *("BatchId1", "MachineGuid1", "OSandVersion1", "OrganizationName1", "country1Name"),
            *("ChildProcess1", "somethingNew1"),
        )
    ),
]
LABELLED: Final = re.compile(r"c[sn]\d|cfp\d|flexString\d|deviceCustomDate\d")
ORDINARY: Final = [
    *("192.0.2.7", "2001:db8::7", "443", "PC-0042", "EXAMPLE\\Alice", "/admin@example.org"),
    *("1759329600000", "Oct 01 2025, 14:40:00 UTC", "True", "false", "1", "0", "2.0", "Windows_10"),
    *("11.8190472215830047611", "a9993e364706816aba3e25717850c26c9cd0d89d", "explorer.exe"),
    *("900150983cd24fb0d6963f7d28e17f72", "https://example.org/#/malop/11.8", "Netherlands"),
]
ODD: Final = [
    *("None", "none", "", " ", "-", "N/A", "null", "fe80::1%eth0", "192.0.2.7/24", "999.1.1.1"),
    *("01.02.03.04", "::", "1e400", "NaN", "-5", "99999999999999999999", "0x10", "1,5", "yes"),
    *("0001-01-01T00:00:00", "2025-02-30", "yesterday", '"quoted"', '"', "$1\\2$", "%{IP:x}", "{}"),
    *(
        '["a"]',
        "a|b",
        "ä€日本😀",
        "x" * 40_000,
        "\u2028",
        "a\\=b",
        "\\\\",
        "İ",
        "ﬁ",
        "🏴",
        "a,b;c d",
    ),
]
JSON: Final[list[Any]] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        7,
        2**62,
        0.5,
        -0.98,
        1e300,
        [],
        ["a", 1, None],
        {},
        {"a": {"b": 1}},
    ),
    *([["a"]], {"Name": 1}, [{"x": "y"}]),
]


def events(seed: int, count: int) -> Iterator[Sample]:
    """As many events, of all kinds in turn."""
    rng = random.Random(seed)
    objects = cylance()
    for number in range(count):
        if number % 2:
            yield of_cef(f"cef {number}", line(rng))
        else:
            sample = objects[number // 2 % len(objects)]
            yield of_cylance(*item(rng, sample))


def line(rng: random.Random) -> str:
    """One record of Cybereason in either dialect."""
    header = [
        f"CEF:{rng.choice('01')}",
        rng.choice(["Cybereason", "Cybereason", "Cybereason", "CYBEREASON", "Example"]),
        rng.choice(["Cybereason", "", "EDR"]),
        rng.choice(["1.0", "23.2", ""]),
        rng.choice(["1", "5", "Malop", "MALOP", "UserAction", "ä"]),
        rng.choice(NAMES),
        rng.choice(["5", "10", "0", "High", "Unknown", "", "-1"]),
    ]
    pairs = []
    for key in rng.sample(KEYS, rng.randint(0, 20)):
        pairs.append(f"{key}={value(rng)}")
        if LABELLED.fullmatch(key) and rng.random() < 0.9:
            pairs.append(f"{key}Label={rng.choice(LABELS)}")
    before = rng.choice(["", "", "<134>Sep 30 09:26:20 console.example.org syslogLogger "])
    return f"{before}{'|'.join(header)}|{' '.join(pairs)}"


def value(rng: random.Random) -> str:
    return rng.choice(ORDINARY if rng.random() < 0.6 else ODD)


def item(rng: random.Random, sample: Sample) -> tuple[str, dict[str, Any]]:
    """An object of Cylance in which some values are others, or missing."""
    found: dict[str, Any] = json.loads(sample.original)
    for key in list(found):
        chance = rng.random()
        if chance < 0.1:
            del found[key]
        elif chance < 0.3:
            found[key] = rng.choice([*ORDINARY, *ODD, *JSON])
        elif isinstance(found[key], dict) and chance < 0.6:
            found[key] = {inner: rng.choice([*ORDINARY, *ODD, *JSON]) for inner in found[key]}
    return str(sample.event["cylance_kind"]), found


def wild(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Messages that no bridge sent: all fields that the rules read, with values of all types."""
    rng = random.Random(seed)
    sets = [rule_set("cybereason", "ecs"), rule_set("cylance", "ecs"), rule_set("common")]
    text = "\n".join(rule.text for each in sets for rule in each.rules)
    names = sorted(set(re.findall(r"\$message\.(\w+)", text)) - {"timestamp"})
    for _ in range(count):
        fields = {
            name: rng.choice([*ORDINARY, *ODD, *JSON])
            for name in rng.sample(names, rng.randint(0, len(names)))
        }
        fields |= rng.choice([{"cef_device_vendor": "Cybereason"}, {"cylance_kind": "threat"}, {}])
        yield fields | {"message": rng.choice(["m", '{"sha256": 1}']), "source": "s"}
