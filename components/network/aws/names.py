"""Names that fit where AWS is strict about them."""

from __future__ import annotations

import hashlib

BALANCER_NAME_LENGTH = 32 - 8
"""A load balancer's or target group's name has at most 32 characters, of which Pulumi's suffix takes eight."""


def zone_label(location: str, zone: str) -> str:
    """What tells a zone from the others of its region: `a` of `us-east-1a`."""
    return zone.removeprefix(location).strip("-") or zone


def cidr_label(cidr: str) -> str:
    """A range as part of a logical name: `10.0.0.0-8`."""
    return cidr.replace("/", "-")


def short(name: str, length: int = BALANCER_NAME_LENGTH) -> str:
    """`name`, or its start and a digest of it where it is longer than `length`."""
    if len(name) <= length:
        return name
    return f"{name[: length - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
