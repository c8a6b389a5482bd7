"""Where the API is: one host for each region. Pure."""

from __future__ import annotations

from typing import Final

_HOSTS: Final = {
    "protectapi.cylance.com": "na",
    "protectapi-apne1.cylance.com": "apne1 jp",
    "protectapi-au.cylance.com": "au",
    "protectapi-euc1.cylance.com": "euc1 eu",
    "protectapi-sae1.cylance.com": "sae1 sa",
    "protectapi.us.cylance.com": "us-gov us gov",
}
"""Host → its region code, then other names that tools use for it."""

REGIONS: Final = {name: host for host, names in _HOSTS.items() for name in names.split()}


def base_url(region: str) -> str:
    """The address of a region, by any of its names and without regard to case.

    Raises ValueError that lists the known ones.
    """
    host = REGIONS.get(region.strip().lower().replace("_", "-"))
    if host is None:
        raise ValueError(
            f"no region is called {region!r}: known are {known()}; for any other, give base_url"
        )
    return f"https://{host}"


def known() -> str:
    """The known regions with their other names."""
    return ", ".join(_listed(names.split()) for names in _HOSTS.values())


def _listed(names: list[str]) -> str:
    return f"{names[0]} ({', '.join(names[1:])})" if names[1:] else names[0]
