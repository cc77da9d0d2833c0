"""What the stack gives to app teams: flat, versioned outputs, without an administrator's credential.

`stacks/contract` says what each is, and what it takes to change one.
"""

from typing import Any

import pulumi

from components.database.certificates import ClientCertificate
from components.database.names import RPC_PORT
from components.plan.model import DatabaseSettings, RegionState

from .contract import VERSION
from .multiregion import MultiRegion, Region


def outputs(stack: MultiRegion) -> dict[str, Any]:
    """Name -> value of every stack output. Only `clientCertificates` is a secret."""
    regions = stack.regions
    by_name = {region.settings.name: region for region in regions}
    return {
        "contractVersion": VERSION,
        "regions": list(by_name),
        "namespaces": {name: region.plan.namespace for name, region in by_name.items()},
        "strategy": stack.settings.strategy,
        "dnsAddresses": {name: region.dns.all_addresses for name, region in by_name.items()},
        "joinAddresses": list(stack.plan.join_addresses),
        "sqlEndpoints": {name: region.database.sql_endpoint for name, region in by_name.items()},
        "consoleEndpoints": {name: region.database.console_endpoint for name, region in by_name.items()},
        "caCertificate": stack.authority.bundle,
        "databaseUrls": {database.name: _urls(database, regions) for database in stack.settings.databases},
        "clientCertificates": pulumi.Output.secret({user: _pair(pair) for user, pair in stack.users.items()}),
        "topology": stack.plan.to_json(),
    }


def database_url(user: str, address: str, database: str) -> str:
    """Where and how to log in, without a secret: the client adds `sslcert`, `sslkey` and `sslrootcert`."""
    return f"postgresql://{user}@{address}:{RPC_PORT}/{database}?sslmode=verify-full"


def _urls(database: DatabaseSettings, regions: list[Region]) -> dict[str, str]:
    """The planned SQL address of every active region; a draining one takes no new clients."""
    return {
        region.settings.name: database_url(database.owner, region.plan.sql_address, database.name)
        for region in regions
        if region.settings.state is RegionState.ACTIVE
    }


def _pair(pair: ClientCertificate) -> dict[str, pulumi.Output[str]]:
    return {"certificate": pair.certificate, "privateKey": pair.private_key}
