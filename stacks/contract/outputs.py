"""Every output's name, shape, meaning, and whether it is a secret; and what breaks a promise of before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .shapes import ListOf, MapOf, Number, Shape, Word, broken, record
from .topology import TOPOLOGY

VERSION = 1
"""Raised whenever `breaks` finds anything between the version before and `OUTPUTS`."""

NAME = Word("name", r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
IP = Word("ip", r"^[0-9.]+$")
PEM = Word("PEM", r"-----BEGIN [A-Z ]+-----")
HOST_PORT = Word("host:port", r":[0-9]+$")
URL = Word("url", r"^postgresql://[^:@/]+@[^@/]+:[0-9]+/[^?]+\?sslmode=verify-full$")


@dataclass(frozen=True)
class Output:
    """One stack output. `meaning`: Markdown, of one line."""

    name: str
    shape: Shape
    meaning: str
    secret: bool = False


OUTPUTS = (
    Output("contractVersion", Number(), f"version of this page: {VERSION}"),
    Output("regions", ListOf(NAME), "active and draining regions, in the order of the config"),
    Output("namespaces", MapOf("region", Word("namespace")), "where the region's nodes run, in its Kubernetes cluster"),
    Output("strategy", Word("word"), "how regions find each other"),
    Output(
        "dnsAddresses",
        MapOf("region", ListOf(IP)),
        "where the region's DNS answers the other regions: on EKS one address per zone",
    ),
    Output("joinAddresses", ListOf(HOST_PORT), "the `--join` list, the same everywhere"),
    Output("sqlEndpoints", MapOf("region", HOST_PORT), "the region's internal SQL load balancer"),
    Output(
        "consoleEndpoints",
        MapOf("region", Word("https://host:port", r"^https://[^/]+:[0-9]+$")),
        "the DB Console, on the same load balancer",
    ),
    Output("caCertificate", PEM, "what clients verify with (`sslrootcert`)"),
    Output(
        "databaseUrls",
        MapOf("database", MapOf("region", URL)),
        "`postgresql://owner@host:port/database?sslmode=verify-full`; no secret inside; active regions only",
    ),
    Output(
        "clientCertificates",
        MapOf("user", record(certificate=PEM, privateKey=PEM)),
        "PEM pairs of the users named in `databases`",
        secret=True,
    ),
    Output("topology", TOPOLOGY, "the address plan: what `python -m stacks.plan FILE --json` prints"),
)


def promised(outputs: Sequence[Output] = OUTPUTS) -> dict[str, Any]:
    """The contract as JSON: output -> {schema (JSON Schema), meaning, secret}."""
    return {
        output.name: {"secret": output.secret, "meaning": output.meaning, "schema": output.shape.schema()}
        for output in outputs
    }


def breaks(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What readers of `before` would not find in `after`, or would take for something else: a line each."""
    found = []
    for name, old in before.items():
        new = after.get(name)
        if new is None:
            found.append(f"{name}: is gone")
            continue
        changed = [key for key in ("secret", "meaning") if old.get(key) != new.get(key)]
        found += [f"{name}: {key} was {old.get(key)!r}, is {new.get(key)!r}" for key in changed]
        found += broken(old["schema"], new["schema"], name)
    return found


def unworded(contract: Any) -> Any:
    """The contract without its meanings, to compare the rest."""
    if isinstance(contract, Mapping):
        return {key: unworded(value) for key, value in contract.items() if not _meaning(key, value)}
    return [unworded(each) for each in contract] if isinstance(contract, list) else contract


def _meaning(key: str, value: Any) -> bool:
    return key in ("meaning", "description") and isinstance(value, str)
