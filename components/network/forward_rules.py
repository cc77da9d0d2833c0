"""What any forward must satisfy, whichever DNS server holds it: pure checks shared by the texts of both kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

Forwards = Mapping[str, Sequence[str]]
"""Remote DNS zone -> addresses of the servers that answer for it."""

MAX_UPSTREAMS = 15
"""CoreDNS's `forward` takes no more (coredns `plugin/forward/README.md`)."""


class ForwardError(ValueError):
    """The forwards cannot be written as asked; the message says what to change."""


class ForwardConflict(ForwardError):  # noqa: N818 - it names what happened
    """Someone else already forwards the same zone."""


def zone_key(zone: str) -> str:
    """A zone in the one form used to compare: lower case, no trailing dot (the root is the empty string)."""
    return zone.lower().rstrip(".")


def check_forwards(forwards: Forwards, own_zone: str) -> None:
    """Refuse forwards that would send a cluster's own names away and back for ever, or that no server takes.

    Raises ForwardError for the own zone or a parent of it, an address that is no IPv4 address, none, or too many.
    """
    own = zone_key(own_zone)
    for zone, addresses in forwards.items():
        key = zone_key(zone)
        if own == key or own.endswith(f".{key}") or not key:
            raise ForwardError(
                f"{zone or '.'}: forwarding this zone would catch the cluster's own names ({own_zone}): an endless loop"
            )
        if not 1 <= len(addresses) <= MAX_UPSTREAMS:
            raise ForwardError(f"{zone}: {len(addresses)} addresses; between 1 and {MAX_UPSTREAMS} are possible")
        for address in addresses:
            try:
                IPv4Address(address)
            except ValueError as error:
                raise ForwardError(f"{zone}: {address!r} is not an IPv4 address") from error
