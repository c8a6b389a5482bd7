"""The options: where, who, what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import config as configuration
from bridge.errors import ConfigError
from bridge.inputs.cylance import CylanceConfig
from bridge.plugins import EntryPoints

EXAMPLE = Path(__file__).parents[3] / "examples" / "cylance.yaml"
BASE = {"type": "cylance", "tenant_id": "t", "app_id": "a", "app_secret": "a secret of some length"}


def load(**options: Any) -> CylanceConfig:
    document = {
        "inputs": {"protect": BASE | options},
        "outputs": {"screen": {"type": "console"}},
        "spool": {"directory": "spool"},
    }
    loaded = configuration.load(yaml.safe_dump(document), "bridge.yaml", {}, EntryPoints())
    config = loaded.inputs["protect"]
    assert isinstance(config, CylanceConfig)
    return config


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("na", "protectapi.cylance.com"),
        ("NA", "protectapi.cylance.com"),
        ("apne1", "protectapi-apne1.cylance.com"),
        ("JP", "protectapi-apne1.cylance.com"),
        ("au", "protectapi-au.cylance.com"),
        ("Euc1", "protectapi-euc1.cylance.com"),
        ("eu", "protectapi-euc1.cylance.com"),
        ("sae1", "protectapi-sae1.cylance.com"),
        ("us", "protectapi.us.cylance.com"),
        ("US-GOV", "protectapi.us.cylance.com"),
        ("us_gov", "protectapi.us.cylance.com"),
    ],
)
def test_a_region_is_known_by_its_names_in_any_case(region: str, host: str) -> None:
    assert load(region=region).address == f"https://{host}"


@pytest.mark.parametrize(
    "address", ["https://proxy.example.org/cylance/", "http://127.0.0.1:8080", "http://[::1]:80"]
)
def test_any_other_place_is_a_base_url(address: str) -> None:
    assert load(base_url=address).address == address.rstrip("/")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "mars"}, "known are na, apne1 (jp), au, euc1 (eu), sae1 (sa), us-gov"),
        ({"region": ""}, "known are na"),
        ({}, "needs region or base_url"),
        ({"region": "na", "base_url": "https://example.org"}, "needs region or base_url"),
        ({"base_url": "http://protectapi.example.org"}, "must begin with https://"),
        ({"base_url": "protectapi.example.org"}, "must be a URL"),
        ({"region": "na", "streams": []}, "streams"),
        ({"region": "na", "streams": ["threats", "threats"]}, "names a stream twice"),
        ({"region": "na", "streams": ["zones"]}, "streams"),
        ({"region": "na", "start": "yesterday"}, "must be `now`, an age such as -24h"),
        ({"region": "na", "start": "-24"}, "must be `now`, an age such as -24h"),
        ({"region": "na", "interval_seconds": 0}, "interval_seconds"),
        ({"region": "na", "app_secret": ""}, "app_secret"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(**options)
    assert message in str(caught.value)
    assert "a secret of some length" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("now", 1_767_268_800.0),
        ("-90s", 1_767_268_710.0),
        ("-24h", 1_767_182_400.0),
        ("-1w", 1_766_664_000.0),
        ("2026-01-01", 1_767_225_600.0),
        ("2026-01-01T06:00:00Z", 1_767_247_200.0),
        ("2026-01-01 08:00:00+02:00", 1_767_247_200.0),
        ("2999-01-01", 1_767_268_800.0),
    ],
)
def test_the_start_is_an_age_or_a_date_and_never_in_the_future(
    written: str, seconds: float
) -> None:
    assert load(region="na", start=written).start.resolve(1_767_268_800.0) == seconds


def test_the_defaults_are_those_of_the_document() -> None:
    config = load(region="na")
    assert config.streams == ["threats", "detections"]
    assert (config.interval_seconds, str(config.start)) == (60, "-24h")


def test_nothing_of_the_secret_is_shown() -> None:
    config = load(region="na")
    assert "a secret of some length" not in f"{config!r} {config} {config.model_dump()}"


def test_the_example_takes_the_names_of_the_document() -> None:
    environ = {
        "APP_ID": "c0ffee00-0000-4000-8000-000000000001",
        "APP_SECRET": "5ec7e700-0000-4000-8000-000000000002",
        "TENANT_ID": "7d3f0b6c-2f60-4a3d-9f5d-0c1e2b3a4d5e",
        "REGION_CODE": "euc1",
    }
    loaded = configuration.load_file(EXAMPLE, environ, EntryPoints())
    [config] = loaded.inputs.values()
    assert isinstance(config, CylanceConfig)
    assert config.address == "https://protectapi-euc1.cylance.com"
    assert config.app_secret.reveal() == environ["APP_SECRET"]
    assert (config.tenant_id, config.app_id) == (environ["TENANT_ID"], environ["APP_ID"])
