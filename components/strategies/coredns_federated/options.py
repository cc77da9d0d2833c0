"""What `coredns-federated` reads of the config. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from ...plan.model import RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import value_rule

IMAGE = "docker.io/coredns/coredns:1.15.0"
"""The project's own release: its stock build has everything that is needed here."""
FIRST_GENERATION = 1
SERVERS = 2
"""Addresses of a region's federated DNS: one that leads to servers which know every region, one to any server."""

_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")


@dataclass(frozen=True, slots=True)
class StackOptions:
    """`strategyOptions` of the stack."""

    image: str = IMAGE
    credential_generation: int = FIRST_GENERATION
    """Another number: every region's credential is made anew, and the old one goes once nobody uses it."""


@dataclass(frozen=True, slots=True)
class RegionOptions:
    """`regions[].strategyOptions`."""

    api_server: str | None = None
    """URL by which other regions' pods reach the API server. None: what the platform knows."""
    dns_addresses: tuple[IPv4Address, ...] = ()
    """Of the region's own Service range. Empty: places 53 and 54 of it."""


def stack_options(reader: Reader) -> StackOptions:
    """Read those of the stack."""
    return StackOptions(
        image=reader.take("corednsImage", "string", "image-reference", default=IMAGE),
        credential_generation=reader.take(
            "credentialGeneration", "integer", "credential-generation", default=FIRST_GENERATION
        ),
    )


def region_options(reader: Reader) -> RegionOptions:
    """Read those of a region."""
    return RegionOptions(
        api_server=reader.take("apiServer", "string", "api-server", convert=lambda url: str(url).rstrip("/")),
        dns_addresses=reader.items("dnsAddresses", "string", "address", convert=IPv4Address) or (),
    )


def of_stack(settings: Settings) -> StackOptions:
    """A stack's, or the defaults where none were read (another strategy's settings, in tests)."""
    options = settings.strategy_options
    return options if isinstance(options, StackOptions) else StackOptions()


def of_region(region: RegionSettings) -> RegionOptions:
    """A region's, or the defaults."""
    options = region.strategy_options
    return options if isinstance(options, RegionOptions) else RegionOptions()


@value_rule("credential-generation")
def _credential_generation(value: Any) -> str | None:
    if 1 <= value <= 9999:
        return None
    return "is not a generation; count up from 1, by one each time the credentials are to change"


@value_rule("api-server")
def _api_server(value: str) -> str | None:
    if _URL.fullmatch(value):
        return None
    return "is not the URL of an API server; use a form such as https://10.1.17.2:6443"
