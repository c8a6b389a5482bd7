"""Plans: made once, the same whether remembered or not, bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.cef.names import Names
from bridge.inputs.cef.plan import MAX_KEYS, MAX_PLANS, Planner

KEYS = st.sampled_from("act dst foo foo_bar foo.bar cs1 cs1Label cs2 cs2Label CS1 cn1".split())


def planner(max_names: int = 700) -> Planner:
    return Planner({}, Names({}, max_names=max_names))


def test_a_plan_is_made_once() -> None:
    plans = planner()
    first = plans.plan("acme", {"act": "x", "cs1": "y", "cs1Label": "Rule"})
    assert plans.plan("acme", {"act": "a", "cs1": "b", "cs1Label": "Rule"}) is first


def test_another_label_or_vendor_is_another_plan() -> None:
    plans = planner()
    pairs = {"cs1": "y", "cs1Label": "Rule"}
    names = {
        plans.plan("acme", pairs).texts,
        plans.plan("acme", pairs | {"cs1Label": "Zone"}).texts,
        plans.plan("other", pairs).texts,
    }
    assert names == {(("cs1", f"{name}"),) for name in ("acme_rule", "acme_zone", "other_rule")}


@given(st.lists(st.dictionaries(KEYS, st.sampled_from(["foo", "Rule", ""]), max_size=6)))
def test_what_is_remembered_equals_what_is_made_anew(records: list[dict[str, str]]) -> None:
    plans = planner()
    for pairs in [*records, *records]:
        assert plans.plan("acme", pairs) == planner().plan("acme", pairs)


@given(st.dictionaries(KEYS, st.sampled_from(["foo", "Rule", ""])))
def test_no_two_pairs_share_a_field_and_none_is_forgotten(pairs: dict[str, str]) -> None:
    plan = planner().plan("acme", pairs)
    steps = [*plan.texts, *[(key, field) for key, field, _ in plan.others]]
    fields = [field for _, field in steps]
    assert len(fields) == len(set(fields))
    values = {key for key in pairs if not key.lower().endswith("label")}
    assert values <= {key for key, _ in steps} | set(plan.unnamed)


def test_what_is_remembered_is_bounded() -> None:
    plans = planner()
    for number in range(MAX_PLANS + 10):
        plans.plan("acme", {f"k{number}": "x"})
    assert len(plans._plans) <= MAX_PLANS
    many = {f"key{number}": "x" for number in range(MAX_KEYS + 1)}
    assert plans.plan("acme", many) is not plans.plan("acme", many)
