"""Address ranges: parsing what a resource says, and what of a range others leave uncovered."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Any

ANYWHERE = IPv4Network("0.0.0.0/0")


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None


def network(raw: Any) -> IPv4Network | None:
    """`10.1.0.0/20`, or one address, as a network. None for anything else: IPv6, unknown, absent."""
    return _parsed(raw) if isinstance(raw, str) else None


def networks(raw: Iterable[Any]) -> list[IPv4Network]:
    """Those of `raw` that are IPv4 ranges."""
    return [found for item in raw if (found := network(item)) is not None]


def host(address: IPv4Address) -> IPv4Network:
    """One address as a range."""
    return IPv4Network((int(address), 32))


@lru_cache(maxsize=65536)
def _uncovered(wanted: IPv4Network, by: tuple[IPv4Network, ...]) -> tuple[IPv4Network, ...]:
    left = [wanted]
    for taken in by:
        rest: list[IPv4Network] = []
        for part in left:
            if part.subnet_of(taken):
                continue
            rest += part.address_exclude(taken) if taken.subnet_of(part) else [part]
        left = rest
    return tuple(left)


def uncovered(wanted: IPv4Network, by: Iterable[IPv4Network]) -> tuple[IPv4Network, ...]:
    """What of `wanted` is in none of `by`."""
    return _uncovered(wanted, tuple(by))


def covered(wanted: IPv4Network, by: Iterable[IPv4Network]) -> bool:
    """Whether all of `wanted` is in `by` together."""
    return not uncovered(wanted, by)


def listing(ranges: Iterable[Any]) -> str:
    """For messages: at most four of them."""
    texts = [str(item) for item in ranges]
    more = f" and {len(texts) - 4} more" if len(texts) > 4 else ""
    return ", ".join(texts[:4]) + more
