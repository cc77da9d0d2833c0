"""How AWS names things: ids, ARNs, zones; and how it refuses them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from lab.clouds.kinds import Cloud, Refused

DEFAULT_REGION = "us-east-1"

_WORLD: Mapping[str, str] = {
    "af": "south-1",
    "ap": "east-1 northeast-1 northeast-3 south-1 south-2 southeast-1 southeast-2 southeast-3 southeast-4 southeast-5",
    "ca": "central-1 west-1",
    "eu": "central-1 central-2 north-1 south-1 south-2 west-1 west-2 west-3",
    "il": "central-1",
    "me": "central-1 south-1",
    "mx": "central-1",
    "sa": "east-1",
    "us": "east-2 west-1",
}

REGIONS: Mapping[str, str] = {
    **{f"{area}-{place}": "abc" for area, places in _WORLD.items() for place in places.split()},
    "us-east-1": "abcdef",
    "us-west-2": "abcd",
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abd",
}
"""Regions and the letters of their availability zones. An account sees two of us-west-1's three."""


def region_of(cloud: Cloud, inputs: Mapping[str, Any]) -> str:
    """Where a resource is: its own `region`, else the provider's. Raises Refused where AWS has no such region."""
    region = inputs.get("region") or cloud.region or DEFAULT_REGION
    if region not in REGIONS:
        raise Refused(f"invalid AWS Region: {region}")
    return region


def zones_of(region: str) -> tuple[str, ...]:
    return tuple(f"{region}{letter}" for letter in REGIONS[region])


ZONE_IDS: Mapping[str, str] = {"us-east-1": "abecdf"}
"""Regions whose zones' ids count otherwise than by letter: us-east-1e is the third, use1-az3."""


def zone_id(zone: str) -> str:
    """The zone's name that is the same in every account, as `use1-az1` of `us-east-1a`."""
    area, side, number = zone[:-1].split("-")
    short = "".join(word[0] for word in re.findall("north|south|east|west|central", side))
    order = ZONE_IDS.get(zone[:-1], "abcdef")
    return f"{area}{short}{number}-az{order.index(zone[-1]) + 1}"


def identifier(cloud: Cloud, prefix: str) -> str:
    """A new id, as `vpc-0` and sixteen hex digits."""
    return f"{prefix}-0{cloud.random(16)}"


def arn(cloud: Cloud, service: str, region: str, resource: str) -> str:
    return f"arn:aws:{service}:{region}:{cloud.account}:{resource}"


def moment() -> str:
    """The time as AWS writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def public_address(cloud: Cloud) -> str:
    """An address of Amazon's 52.0.0.0/10."""
    return str(IPv4Address(int(IPv4Address("52.0.0.0")) + int(cloud.random(6), 16) % 2**22))


def refusal(service: str, action: str, code: str, message: str) -> Refused:
    """An API's answer as the provider passes it on, without the number of the request."""
    return Refused(f"operation error {service}: {action}, api error {code}: {message}")


def ec2(action: str, code: str, message: str) -> Refused:
    """What EC2, which the whole network belongs to, refuses."""
    return refusal("EC2", action, code, message)


def cidr_problem(text: Any) -> str | None:
    """The provider's word on a CIDR that isn't one, or has host bits; None where nothing is wrong or known."""
    if not isinstance(text, str):
        return None
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        return f'"{text}" is not a valid CIDR block: invalid CIDR address: {text}'
    if "/" not in text:
        return f'"{text}" is not a valid CIDR block: invalid CIDR address: {text}'
    if str(network) != text:
        return f'"{text}" is not a valid IPv4 CIDR block; did you mean "{network}"?'
    return None


def cidr_problems(inputs: Mapping[str, Any], *properties: str) -> list[tuple[str, str]]:
    """What is wrong with the CIDRs among the inputs, by property."""
    found = ((name, cidr_problem(inputs.get(name))) for name in properties)
    return [(name, problem) for name, problem in found if problem is not None]


def one_of(inputs: Mapping[str, Any], *properties: str) -> list[tuple[str, str]]:
    """The provider's word where not exactly one of `properties` is given. An unknown value is given."""
    given = [name for name in properties if inputs.get(name) is not None]
    if len(given) == 1:
        return []
    words = ",".join(properties)
    if not given:
        return [(properties[0], f"one of `{words}` must be specified")]
    return [(given[0], f"only one of `{words}` can be specified, but `{','.join(given)}` were specified.")]
