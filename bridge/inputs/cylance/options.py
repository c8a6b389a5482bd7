"""What the input `cylance` can be told."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import httpx
from pydantic import AfterValidator, Field, model_validator

from bridge.config import Secret
from bridge.config.types import refusal
from bridge.http import HttpOptions
from bridge.inputs.cylance import regions
from bridge.inputs.poller import PollerConfig
from bridge.net import is_loopback

StreamName = Literal["threats", "detections", "memory_protection", "devices", "threat_devices"]


def _region(name: str) -> str:
    try:
        regions.base_url(name)
    except ValueError as error:
        raise refusal(str(error)) from None
    return name


def _base_url(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise refusal("must be a URL, such as https://protectapi.cylance.com") from None
    if url.scheme not in ("http", "https") or not url.host or url.query:
        raise refusal("must be a URL, such as https://protectapi.cylance.com")
    if url.scheme == "http" and not is_loopback(url.host):
        raise refusal("must begin with https://: without TLS everybody could read the credentials")
    return text.rstrip("/")


def _once(names: list[StreamName]) -> list[StreamName]:
    if len(set(names)) != len(names):
        raise refusal("names a stream twice")
    return names


class CylanceConfig(PollerConfig, HttpOptions):
    """Which tenant of the Cylance User API to poll, and what of it."""

    region: Annotated[str, AfterValidator(_region)] | None = Field(default=None, examples=["euc1"])
    """Where the tenant lives: `na apne1 au euc1 sae1 us-gov`, or another name for one of them."""
    base_url: Annotated[str, AfterValidator(_base_url)] | None = None
    """The address of the API, in place of a region."""
    tenant_id: Annotated[str, Field(min_length=1)]
    """The tenant's id, from the console."""
    app_id: Annotated[str, Field(min_length=1)]
    """The id of an application that was made under Settings, Integrations."""
    app_secret: Secret
    """Its secret. As `${file:…}` it is read again before each login."""
    streams: Annotated[list[StreamName], Field(min_length=1), AfterValidator(_once)] = [
        "threats",
        "detections",
    ]
    """What to read: `threats detections memory_protection devices threat_devices`."""
    details: bool = True
    """Ask for the details of each new threat, detection and device, one request each."""
    inventory_interval_seconds: float = Field(default=3600.0, ge=60)
    """From the begin of one walk over `devices` to the next."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.region is None) == (self.base_url is None):
            raise refusal(f"needs region or base_url, one of them; regions: {regions.known()}")
        return self

    @property
    def address(self) -> str:
        """The base URL of the API."""
        return self.base_url or regions.base_url(self.region or "")
