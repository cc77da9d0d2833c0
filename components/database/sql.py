"""The cluster's SQL, rendered from plain values. Every statement may run again at any time and then changes nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .names import BACKUP_LABEL, VERIFIER

CLUSTER_SETTINGS: Mapping[str, str] = {
    # How long a stopping node still takes new connections: balancers need that long to stop sending them.
    "server.shutdown.initial_wait": "5s",
}
"""Set unless the config says otherwise."""

_SETTING_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_BARE_VALUE = re.compile(r"true|false|-?[0-9]+(\.[0-9]+)?")
_GOALS = {"zone": "ZONE", "region": "REGION"}
_READ_AND_WRITE = "SELECT, INSERT, UPDATE, DELETE"


@dataclass(frozen=True, slots=True)
class Database:
    """A database, where it lives, and whose it is."""

    name: str
    owner: str
    users: Sequence[str]
    """They read and write all tables; the owner may do anything."""
    primary_region: str
    regions: Sequence[str]
    """All of its regions, the primary one among them."""
    survive: str
    """`zone` or `region`."""
    restored_by: str | None = None
    """The Job that restored it, if one did: other text for each restore, so that what follows is run after each."""


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A quoted SQL string."""
    return "'" + text.replace("'", "''") + "'"


def set_cluster_setting(name: str, value: str) -> str:
    """Numbers and booleans are bare, everything else a string. Raises ValueError where the name is no setting's."""
    if not _SETTING_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no cluster setting: expected words of a-z, 0-9 and _ joined by dots")
    return f"SET CLUSTER SETTING {name} = {value if _BARE_VALUE.fullmatch(value) else literal(value)};"


FINALIZE = "cluster.auto_upgrade.enabled"
"""The setting by which a cluster takes a new release's features once all nodes run it (since v23.2)."""


def cluster_statements(settings: Mapping[str, str], organization: str | None) -> list[str]:
    """Settings of the whole cluster, and the user that verification logs in as.

    That user reads the cluster's id and membership, no data.
    """
    merged = {**CLUSTER_SETTINGS, **settings}
    if organization is not None:
        merged["cluster.organization"] = organization
    user = identifier(VERIFIER)
    return [
        *(set_cluster_setting(name, merged[name]) for name in sorted(merged)),
        f"CREATE USER IF NOT EXISTS {user};",
        f"GRANT SYSTEM VIEWCLUSTERMETADATA TO {user};",
    ]


def database_statements(database: Database, gone: Iterable[str]) -> list[str]:
    """One database. `gone` are regions of the stack that it must leave.

    The order matters: a primary region before any other, a new primary region added before it becomes that, a survival
    goal while the regions it needs are there, and the regions that go last.
    """
    name, owner, primary = identifier(database.name), identifier(database.owner), identifier(database.primary_region)
    others = [region for region in database.regions if region != database.primary_region]
    statements = [
        f"CREATE USER IF NOT EXISTS {owner};",
        f"CREATE DATABASE IF NOT EXISTS {name} PRIMARY REGION {primary};",
        f"ALTER DATABASE {name} OWNER TO {owner};",
        f"ALTER DATABASE {name} ADD REGION IF NOT EXISTS {primary};",
        f"ALTER DATABASE {name} PRIMARY REGION {primary};",
        *(f"ALTER DATABASE {name} ADD REGION IF NOT EXISTS {identifier(region)};" for region in others),
        f"ALTER DATABASE {name} SURVIVE {_GOALS[database.survive]} FAILURE;",
        *(f"ALTER DATABASE {name} DROP REGION IF EXISTS {identifier(region)};" for region in sorted(set(gone))),
    ]
    if database.users or database.restored_by:
        statements.append(f"USE {name};")
    if database.restored_by:
        # A restore leaves every table to root, and drops what was granted.
        statements += [
            f"-- restored by {database.restored_by}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {owner};",
        ]
    for user in database.users:
        who = identifier(user)
        statements += [
            f"CREATE USER IF NOT EXISTS {who};",
            f"GRANT CONNECT ON DATABASE {name} TO {who};",
            f"GRANT {_READ_AND_WRITE} ON ALL TABLES IN SCHEMA public TO {who};",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT {_READ_AND_WRITE} ON TABLES TO {who};",
        ]
    return statements


def license_statement(license_key: str) -> str:
    """The license: a secret."""
    return set_cluster_setting("enterprise.license", license_key) + "\n"


def script(
    databases: Sequence[Database],
    settings: Mapping[str, str],
    organization: str | None,
    known_regions: Sequence[str],
    *,
    backups: bool = False,
) -> str:
    """The whole text.

    `known_regions` are all that the stack lists, whatever their state: a database leaves those it no longer names.
    `backups`: there is a schedule, which others make; where there is none, an earlier one goes.
    """
    lines = cluster_statements(settings, organization)
    for database in databases:
        lines += database_statements(database, [region for region in known_regions if region not in database.regions])
    if not backups:
        mine = f"label = {literal(BACKUP_LABEL)}"
        lines.append(f"DROP SCHEDULES SELECT id FROM [SHOW SCHEDULES] WHERE {mine};")  # noqa: S608  # quoted above
    return "\n".join(lines) + "\n"
