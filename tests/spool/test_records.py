"""Rows as they lie on the disk: each tells all about itself, and damage is seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.spool.records import HEAD, Record, scan, signed, size_of, unpacked

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RECORDS = st.builds(
    Record,
    id=st.integers(1, 2**63),
    created=st.floats(allow_nan=False),
    count=st.integers(1, 2**31),
    input=NAMES,
    target=st.none() | NAMES,
    data=st.binary(max_size=300),
)


def record(number: int) -> Record:
    return Record(number, 1.7e9, 1, "in", None, b"%d." % number * 100)


def octets_of(one: Record, segment: int = 7) -> bytes:
    return signed(one.head(segment), one.data) + one.data


@given(st.lists(RECORDS, max_size=5), st.integers(1, 2**32 - 1))
def test_a_record_tells_everything_about_itself(records: list[Record], segment: int) -> None:
    packed = [octets_of(one, segment) for one in records]
    found = [one for _, one in scan(b"".join(packed), segment)]
    assert [(one.id, one.input, one.target, one.data) for one in found if one] == [
        (one.id, one.input, one.target, one.data) for one in records
    ]
    assert all(one and one.segment == segment for one in found)
    for one, octets in zip(records, packed, strict=True):
        assert len(octets) == size_of(one.input, one.target, len(one.data))
        assert list(scan(octets, segment ^ 1)) == []


@given(RECORDS, st.data())
def test_a_changed_bit_is_seen(one: Record, data: st.DataObject) -> None:
    octets = bytearray(octets_of(one))
    place = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[place // 8] ^= 1 << place % 8
    assert unpacked(bytes(octets)) is None
    behind = octets_of(record(2))
    assert [found.id for _, found in scan(bytes(octets) + behind, 7) if found] == [2]


@given(st.binary(max_size=200))
def test_any_octets_can_be_scanned(octets: bytes) -> None:
    head = octets_of(record(1))[: HEAD.size]
    assert not any(one for _, one in scan(octets + head + octets, 7))
