"""A tenant that lives: threats, detections and devices that come, change and go, by a seed.

What the vendor's own system does to those who poll it: rows that are listed late, files that are
found again (which overwrites their row), many rows in one second, changes without a new time,
deletions.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

Body = dict[str, Any]

NAMES: Final = """
    invoice.pdf.exe setup_x64.exe update.dll toolbar.msi macro.docm keygen.exe archive.rar|inner.scr
    svch0st.exe miner.bin helper.ps1
    """.split()
CLASSES: Final = (
    ("Malware", "Trojan", -1),
    ("Malware", "Ransom", -0.98),
    ("PUP", "Generic", -0.87),
    ("Dual Use", "", -0.43),
    ("Trusted", "", 0.6),
    ("", "", None),
)
RULES: Final = (
    "Fileless Powershell Malware",
    "Script engine started by an office program",
    "Credential theft from LSASS",
    "One-liner download",
)
SEVERITIES: Final = ("Informational", "Low", "Medium", "High")
STATUSES: Final = ("New", "In Progress", "Follow Up", "Reviewed", "Done", "False Positive")
FILE_STATUSES: Final = ("Default", "Quarantined", "Whitelisted", "FileRemoved")


@dataclass(slots=True)
class Row:
    """One row of a list: its time in the list (seconds since the epoch) and what is in it."""

    stamp: float
    body: Body
    listed_at: float
    sightings: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Listing:
    """How long a row was to be seen as it was; `until` is None while it is."""

    stream: str
    key: tuple[str, ...]
    stamp: float
    since: float
    until: float | None = None


class World:
    """The lists of one tenant. Times in bodies are numbers here; the API writes them its way."""

    def __init__(self, seed: int, devices: int = 5) -> None:
        self.random = random.Random(seed)
        self.threats: dict[str, Row] = {}
        self.detections: dict[str, Row] = {}
        self.memory_protection: dict[str, Row] = {}
        self.devices: dict[str, Row] = {}
        self.listings: list[Listing] = []
        self.changes = 0
        """Grows with every change, so that views of the lists can be kept."""
        self._open: dict[tuple[str, tuple[str, ...]], Listing] = {}
        for number in range(devices):
            self.add_device(number, 0.0)

    # What happens by itself

    def live(self, now: float, late: float = 0.0) -> None:
        """Let one thing happen; rows may be listed up to `late` seconds after their time."""
        roll = self.random.random()
        stamp = now - (self.random.uniform(0, late) if self.random.random() < 0.2 else 0)
        if roll < 0.3:
            for _ in range(self.random.choice((1, 1, 1, 2, 5))):  # several in one moment
                self.add_threat(stamp, now)
        elif roll < 0.45 and self.threats:
            self.find_again(self.random.choice(list(self.threats)), now)
        elif roll < 0.7:
            for _ in range(self.random.choice((1, 1, 1, 3))):
                self.add_detection(stamp, now)
        elif roll < 0.78:
            self.add_memory_protection(stamp, now)
        elif roll < 0.86 and self.detections:
            row = self.random.choice(list(self.detections.values()))
            row.body["Status"] = self.random.choice(STATUSES)
            self.changes += 1
        elif roll < 0.9 and self.threats:
            row = self.random.choice(list(self.threats.values()))
            row.body["safelisted"] = not row.body["safelisted"]
            self.changes += 1
        elif roll < 0.95 and self.detections:
            self.remove("detections", self.random.choice(list(self.detections)), now)
        elif self.threats:
            self.remove("threats", self.random.choice(list(self.threats)), now)

    # What can happen

    def put(self, stream: str, key: str, body: Body, stamp: float) -> None:
        """A row that somebody else has written; its times are numbers here, too."""
        rows: dict[str, Row] = getattr(self, stream)
        rows[key] = Row(stamp, body, stamp)
        self.changes += 1

    def add_threat(self, stamp: float, now: float, devices: int = 1) -> str:
        """A file that was not known before, found on some devices."""
        name = f"{self.random.getrandbits(64):016x}"
        sha256 = hashlib.sha256(name.encode()).hexdigest().upper()
        classification, sub, score = self.random.choice(CLASSES)
        body = {
            "name": self.random.choice(NAMES),
            "sha256": sha256,
            "md5": hashlib.sha256(sha256.encode()).hexdigest()[:32].upper(),
            "cylance_score": score,
            "av_industry": None,
            "classification": classification,
            "sub_classification": sub,
            "global_quarantined": False,
            "safelisted": False,
            "file_size": self.random.randrange(1000, 5_000_000_000),
            "unique_to_cylance": self.random.random() < 0.1,
            "last_found": stamp,
        }
        row = self.threats[sha256] = Row(stamp, body, now)
        self._list("threats", (sha256.lower(), str(int(stamp))), stamp, now)
        for device in self.random.sample(list(self.devices), min(devices, len(self.devices))):
            self._sight(row, device, stamp, now)
        return sha256

    def find_again(self, sha256: str, now: float) -> None:
        """A known file is found once more: its row is overwritten."""
        row = self.threats[sha256]
        self._unlist("threats", (sha256.lower(), str(int(row.stamp))), now)
        row.stamp = row.body["last_found"] = max(row.stamp, now)
        row.listed_at = now
        self._list("threats", (sha256.lower(), str(int(row.stamp))), row.stamp, now)
        if self.devices:
            self._sight(row, self.random.choice(list(self.devices)), now, now)

    def add_detection(self, stamp: float, now: float) -> str:
        """A detection that the cloud received at `stamp`; the device knew it before."""
        id_ = str(uuid.UUID(int=self.random.getrandbits(128)))
        device = self.random.choice(list(self.devices.values())).body
        body = {
            "Id": id_,
            "PhoneticId": f"{id_[:4]}-{id_[4:8]}".upper(),
            "Status": "New",
            "Severity": self.random.choice(SEVERITIES),
            "OccurrenceTime": stamp - self.random.choice((1.7, 2.2, 60, 900)),
            "ReceivedTime": stamp,
            "DetectionDescription": self.random.choice(RULES),
            "Device": {
                "CylanceId": device["id"].replace("-", "").upper(),
                "Name": device["name"],
            },
        }
        self.detections[id_] = Row(stamp, body, now)
        self._list("detections", (id_,), stamp, now)
        return id_

    def add_memory_protection(self, stamp: float, now: float) -> str:
        """An attempt on the memory of a process."""
        id_ = str(uuid.UUID(int=self.random.getrandbits(128)))
        device = self.random.choice(list(self.devices.values())).body
        body = {
            "device_image_file_event_id": id_,
            "device_id": device["id"],
            "created": stamp,
            "action": self.random.choice((0, 2, 3)),
            "violation_type": self.random.choice((1, 2, 4, 12, 24, 99)),
            "image_name": rf"C:\Temp\{self.random.choice(NAMES)}",
            "process_id": self.random.randrange(4, 30_000),
            "user_name": r"EXAMPLE\zoe",
        }
        self.memory_protection[id_] = Row(stamp, body, now)
        self._list("memory_protection", (id_,), stamp, now)
        return id_

    def add_device(self, number: int, now: float) -> str:
        """A machine with an agent."""
        id_ = str(uuid.UUID(int=self.random.getrandbits(128)))
        self.devices[id_] = Row(
            now,
            {
                "id": id_,
                "name": f"LAPTOP-{number + 1}",
                "state": "Online",
                "agent_version": "3.1.1000.47",
                "policy": {"id": None, "name": "Default"},
                "date_first_registered": now,
                "ip_addresses": [f"192.0.2.{number % 250 + 1}"],
                "mac_addresses": [f"00-00-5E-00-53-{number % 256:02X}"],
            },
            now,
        )
        self.changes += 1
        return id_

    def remove(self, stream: str, key: str, now: float) -> None:
        """A row is deleted."""
        rows: dict[str, Row] = getattr(self, stream)
        row = rows.pop(key)
        full = (key.lower(), str(int(row.stamp))) if stream == "threats" else (key,)
        self._unlist(stream, full, now)
        for sighting in row.sightings:
            self._unlist("threat_devices", _sighting_key(key, sighting), now)

    def _sight(self, row: Row, device: str, stamp: float, now: float) -> None:
        """A file is found on a device; the same path there is overwritten."""
        about = self.devices[device].body
        path = rf"C:\Users\zoe\Downloads\{row.body['name']}"
        for old in [one for one in row.sightings if one.body["id"] == device]:
            row.sightings.remove(old)
            self._unlist("threat_devices", _sighting_key(row.body["sha256"], old), now)
        fields = ("id", "name", "agent_version", "ip_addresses", "mac_addresses")
        body = {name: about[name] for name in fields} | {
            "state": "OnLine",
            "policy_id": "00000000-0000-0000-0000-000000000000",
            "date_found": stamp,
            "file_status": self.random.choice(FILE_STATUSES),
            "file_path": path,
        }
        sighting = Row(stamp, body, now)
        row.sightings.append(sighting)
        self._list("threat_devices", _sighting_key(row.body["sha256"], sighting), stamp, now)

    def _list(self, stream: str, key: tuple[str, ...], stamp: float, now: float) -> None:
        self.changes += 1
        if (stream, key) not in self._open:
            listing = self._open[stream, key] = Listing(stream, key, stamp, now)
            self.listings.append(listing)

    def _unlist(self, stream: str, key: tuple[str, ...], now: float) -> None:
        self.changes += 1
        if listing := self._open.pop((stream, key), None):
            listing.until = now


def _sighting_key(sha256: str, sighting: Row) -> tuple[str, ...]:
    return (sha256.lower(), sighting.body["id"], str(int(sighting.stamp)))
