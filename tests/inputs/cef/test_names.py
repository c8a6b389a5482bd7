"""Vendor slugs, and the bound on what a remote sender can create."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.cef.names import MAX_NAME_LENGTH, MAX_SLUG_LENGTH, RESERVED_WORDS, Names, slug


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        ("Cybereason", "cybereason"),
        ("Palo Alto Networks", "palo_alto_networks"),
        ("CrowdStrike", "crowdstrike"),
        ("  Trend-Micro, Inc. ", "trend_micro_inc"),
        ("Société Générale", "societe_generale"),
        ("360°", "360"),
        ("", "vendor_unknown"),
        ("***", "vendor_unknown"),
        ("Event Horizon", "vendor_event_horizon"),
        ("cylance", "vendor_cylance"),
        ("GL2", "vendor_gl2"),
        ("vendor", "vendor_vendor"),
        ("Eventful", "eventful"),
    ],
)
def test_a_vendor_has_a_slug(vendor: str, expected: str) -> None:
    assert slug(vendor) == expected


@given(st.text(max_size=400))
def test_a_slug_is_always_a_name_of_a_bounded_length(vendor: str) -> None:
    found = slug(vendor)
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", found)
    assert len(found) <= len("vendor_") + MAX_SLUG_LENGTH
    assert found.startswith("vendor_") or found.partition("_")[0] not in RESERVED_WORDS


def test_so_many_names_and_no_more() -> None:
    names = Names({}, max_names=3)
    assert [names.admit("acme", f"acme_{n}") for n in range(5)] == [True, True, True, False, False]
    assert names.admit("acme", "acme_0")


def test_names_that_the_spool_remembers_count_and_stay_good() -> None:
    names = Names({"acme_a": "text", "acme_b": "text"}, max_names=3)
    assert names.admit("acme", "acme_c")
    assert not names.admit("acme", "acme_d")
    assert names.admit("acme", "acme_b")


def test_a_name_that_the_spool_learns_later_counts_once() -> None:
    known: dict[str, str] = {}
    names = Names(known, max_names=2)
    assert names.admit("acme", "acme_a")
    known["acme_a"] = "text"
    assert names.admit("acme", "acme_b")
    assert not names.admit("acme", "acme_c")


def test_so_many_vendors_and_no_more() -> None:
    names = Names({}, max_slugs=2)
    assert names.admit("one", "one_a")
    assert names.admit("two", "two_a")
    assert not names.admit("three", "three_a")
    assert names.admit("two", "two_b")


def test_a_vendor_that_the_spool_remembers_is_known_after_a_restart() -> None:
    names = Names({"three_a": "text"}, max_slugs=1)
    assert names.admit("one", "one_a")
    assert names.admit("three", "three_b")
    assert not names.admit("four", "four_a")


def test_an_endless_name_is_not_admitted() -> None:
    assert not Names({}).admit("acme", "acme_" + "x" * MAX_NAME_LENGTH)
