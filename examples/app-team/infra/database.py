"""The database's stack, seen through its outputs: docs/outputs.md of the project that made it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pulumi

CONTRACT_VERSION = 1
"""The version of the outputs that this program was written for."""


class ContractError(Exception):
    """The database's stack does not give what this program asks for; nothing was made of it."""


@dataclass(frozen=True)
class Client:
    """How an app in one region logs in. `certificate` and `private_key` are a PEM pair, `authority` what to trust."""

    url: pulumi.Output[str]
    """Where, as whom, and with `sslmode=verify-full`; no secret inside."""
    authority: pulumi.Output[str]
    certificate: pulumi.Output[str]
    """A secret."""
    private_key: pulumi.Output[str]
    """A secret."""


class DatabaseStack:
    """Reads outputs that have to be there (`require_output`); secret ones stay secret."""

    def __init__(self, name: str) -> None:
        """`name`: organization/project/stack."""
        self._name = name
        self._stack = pulumi.StackReference(name)

    def client(self, database: str, region: str) -> Client:
        """The login of the database's owner at a region's own SQL endpoint. Raises ContractError, in a preview too."""
        version = self._stack.require_output("contractVersion")
        urls = self._stack.require_output("databaseUrls")
        url = pulumi.Output.all(version, urls).apply(
            lambda found: url_of(self._name, found[0], found[1], database, region)
        )
        certificates = self._stack.require_output("clientCertificates")
        pair = pulumi.Output.all(url, certificates).apply(lambda got: pair_of(self._name, got[0], got[1]))
        return Client(
            url=url,
            authority=self._stack.require_output("caCertificate"),
            certificate=pair.apply(lambda found: found["certificate"]),
            private_key=pair.apply(lambda found: found["privateKey"]),
        )


def url_of(stack: str, version: Any, urls: Mapping[str, Mapping[str, str]], database: str, region: str) -> str:
    """One of `databaseUrls`. Raises ContractError that says what there is instead."""
    if version != CONTRACT_VERSION:
        raise ContractError(
            f"{stack} has outputs of contract version {version}; this program was written for {CONTRACT_VERSION}: "
            "compare the two in docs/outputs.md, then change CONTRACT_VERSION in infra/database.py"
        )
    if database not in urls:
        raise ContractError(f"app-team:database: {stack} has no database {database!r}; it has {_listed(urls)}")
    if region not in urls[database]:
        raise ContractError(
            f"app-team:regions: {stack} takes no clients of {database!r} in {region!r}; "
            f"it does in {_listed(urls[database])}"
        )
    return urls[database][region]


def pair_of(stack: str, url: str, certificates: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The PEM pair of the user that a URL logs in as. Raises ContractError."""
    user = urlsplit(url).username or ""
    if user not in certificates:
        raise ContractError(f"{stack} has no client certificate of {user!r}; it has {_listed(certificates)}")
    return certificates[user]


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(sorted(names)) or "none"
