"""What `private-zone` reads of the config's `strategyOptions`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...plan.defaults import DNS_PORT
from ...plan.reader import Reader
from ...plan.rules import value_rule

ZONE = "crdb.internal"
"""`internal` is reserved for private use (ICANN Board resolution 2024.07.29.06): nobody else's names are in it."""

IMAGE = "registry.k8s.io/external-dns/external-dns:v0.21.0"
"""The release that the lab runs."""

SECRET = "rfc2136.tsigSecret"  # noqa: S105 - where in the config it is, not what
"""Path of the TSIG key's secret under `strategyOptions`."""

ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")
"""Those of external-dns's that are not deprecated by RFC 8945, table 3."""

SECRET_BYTES = 16
"""The least that a TSIG key may have here: shorter ones are in reach of a search."""


@dataclass(frozen=True, slots=True)
class DynamicServers:
    """DNS servers outside of Kubernetes whose zone is written by dynamic updates (RFC 2136)."""

    servers: tuple[str, ...]
    """Addresses that answer for the zone. The first one takes the updates; the others are its secondaries."""
    port: int
    """Where the first one takes updates and zone transfers. Questions always go to port 53."""
    key_name: str
    """Name of the TSIG key that updates and transfers are signed with; its secret travels apart from the settings."""
    key_algorithm: str


@dataclass(frozen=True, slots=True)
class PrivateZoneOptions:
    """The same for every region."""

    zone: str = ZONE
    """The zone that every region's names are in, by a label of the region's name."""
    image: str = IMAGE
    """Of external-dns."""
    servers: DynamicServers | None = None


def read(reader: Reader) -> PrivateZoneOptions:
    """The stack's `strategyOptions`."""
    zone = reader.take("zone", "string", "dns-name", default=ZONE)
    image = reader.take("externalDnsImage", "string", "image-reference", default=IMAGE)
    servers = reader.child("rfc2136")
    found = _servers(servers) if servers.values else None
    servers.close()
    return PrivateZoneOptions(zone, image, found)


def _servers(reader: Reader) -> DynamicServers:
    listed = reader.take(
        "servers",
        "list",
        "some-servers",
        required="list the addresses of the zone's DNS servers, the primary first",
        default=[],
    )
    checked = [
        reader.accept(f"{reader.at('servers')}[{index}]", address, "string", "address")
        for index, address in enumerate(listed if isinstance(listed, list) else [])
    ]
    found = DynamicServers(
        servers=tuple(address for address in checked if address is not None),
        port=reader.take("port", "integer", "port-number", default=DNS_PORT),
        key_name=reader.take(
            "tsigKeyName", "string", "dns-name", required="name the TSIG key that may update the zone", default=""
        ),
        key_algorithm=reader.take("tsigAlgorithm", "string", "tsig-algorithm", default=ALGORITHMS[0]),
    )
    # A secret: seen here only to be known as a key, never kept and never shown.
    reader.take(
        "tsigSecret",
        "secret-string",
        "tsig-secret",
        required=f"set it with `pulumi config set --secret --path strategyOptions.{SECRET}`",
        shown=lambda _: "the value",
    )
    return found


@value_rule("some-servers")
def _some_servers(value: list[Any]) -> str | None:
    return None if value else "names no DNS server; list the addresses of the zone's, the primary first"


@value_rule("port-number")
def _port_number(value: int) -> str | None:
    return None if 1 <= value <= 65535 else "is not a port; use 1 to 65535"


@value_rule("tsig-algorithm")
def _tsig_algorithm(value: str) -> str | None:
    return None if value in ALGORITHMS else f"is not an algorithm for a TSIG key; use {', '.join(ALGORITHMS)}"


@value_rule("tsig-secret")
def _tsig_secret(value: Any) -> str | None:
    """Encrypted ones (`{secure: …}`) can't be looked at without the engine."""
    if isinstance(value, Mapping):
        return None
    try:
        secret = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "is not base64; use the secret as `tsig-keygen` prints it"
    if len(secret) < SECRET_BYTES:
        return f"has {len(secret)} bytes, which can be guessed; use at least {SECRET_BYTES} from `tsig-keygen`"
    return None
