"""Raw config -> `Draft`: every key read, checked by itself and given its default. No rule spans keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from .. import strategies
from . import defaults
from .model import (
    BackupSettings,
    CertificatesSettings,
    CockroachSettings,
    DatabaseSettings,
    DnsSettings,
    MonitoringSettings,
    Platform,
    RegionSettings,
    RegionState,
    ResourceSettings,
    RestoredFrom,
    Settings,
    StorageSettings,
    SurvivalGoal,
)
from .parse_clouds import parse_aws, parse_gcp
from .parse_region import parse_region
from .reader import Log, Reader
from .rules import Draft

if TYPE_CHECKING:  # strategies import the plan
    from ..strategies.base import Strategy

POD_SPEC_NAMES = ("priorityClassName", "runtimeClassName", "schedulerName")
POD_SPEC_OBJECTS = ("affinity", "nodeSelector")
POD_SPEC_LISTS = ("imagePullSecrets", "tolerations", "topologySpreadConstraints")
"""Fields of Kubernetes' pod spec that say where pods run. The API server checks what is in them."""


def parse(config: Mapping[str, Any]) -> tuple[Draft, Log]:
    """Read a config mapping (keys as in docs/config.md, without the namespace prefix)."""
    log = Log()
    top = Reader(config, "", log)
    platform = top.take("platform", "string", "platform", default=defaults.PLATFORM)
    strategy = top.take("strategy", "string", default=defaults.STRATEGY)
    chosen = strategies.strategy(strategy) if strategies.known(strategy) else None
    network = top.take("networkCidr", "string", "cidr", convert=IPv4Network, default=IPv4Network(defaults.NETWORK_CIDR))
    listed = top.take("regions", "list", required="list at least one region, each with a name", default=[])
    regions = tuple(
        parse_region(Reader(entry, f"regions[{index}]", log), index, network, Platform(platform), chosen)
        for index, entry in enumerate(listed if isinstance(listed, list) else [])
    )
    backup = _backup(top.child("backup"))
    settings = Settings(
        strategy=strategy,
        network_cidr=network,
        regions=regions,
        cockroachdb=_cockroachdb(top.child("cockroachdb"), network),
        databases=_databases(top, regions, backup),
        dns=_dns(top.child("dns")),
        gcp=parse_gcp(top.child("gcp"), regions),
        aws=parse_aws(top.child("aws"), regions),
        backup=backup,
        monitoring=_monitoring(top.child("monitoring")),
        allow_data_loss=top.take("allowDataLoss", "boolean", default=False),
        certificates=_certificates(top.child("certificates")),
        strategy_options=top.own("strategyOptions", chosen.stack_options if chosen else None),
    )
    if chosen is not None:
        settings = replace(settings, regions=_settled(settings, chosen))
    top.close()
    return Draft(settings, frozenset(log.broken), frozenset(log.given)), log


def _settled(settings: Settings, chosen: Strategy) -> tuple[RegionSettings, ...]:
    options = settings.strategy_options
    return tuple(
        replace(region, strategy_options=chosen.settled_options(options, region.strategy_options))
        for region in settings.regions
    )


def _cockroachdb(reader: Reader, network: IPv4Network) -> CockroachSettings:
    resources = reader.child("resources")
    storage = reader.child("storage")
    clients = reader.items("clientCidrs", "string", "client-cidr", convert=IPv4Network)
    settings = CockroachSettings(
        version=reader.take("version", "string", "version", default=defaults.VERSION),
        image=reader.take("image", "string", "image-repository", default=defaults.IMAGE),
        tools_image=reader.take("toolsImage", "string", "image-reference", default=defaults.TOOLS_IMAGE),
        client_cidrs=(network,) if clients is None else clients,
        cluster_name=reader.take("clusterName", "string", "cluster-name", default=defaults.CLUSTER_NAME),
        resources=ResourceSettings(
            cpu=resources.take("cpu", "scalar", "quantity", convert=str, default=defaults.CPU),
            memory=resources.take("memory", "scalar", "quantity", "memory", convert=str, default=defaults.MEMORY),
        ),
        storage=StorageSettings(
            size=storage.take("size", "scalar", "quantity", "storage", convert=str, default=defaults.STORAGE_SIZE),
            storage_class=storage.take("class", "string", "dns-name"),
        ),
        cache=reader.take("cache", "scalar", "cache-size", convert=str, default=defaults.CACHE),
        max_sql_memory=reader.take(
            "maxSqlMemory", "scalar", "cache-size", convert=str, default=defaults.MAX_SQL_MEMORY
        ),
        max_offset=reader.take("maxOffset", "string", "max-offset", default=defaults.MAX_OFFSET),
        termination_grace_period_seconds=reader.take(
            "terminationGracePeriodSeconds",
            "integer",
            "grace-period",
            default=defaults.TERMINATION_GRACE_PERIOD_SECONDS,
        ),
        cluster_settings=reader.pairs(
            "clusterSettings", ["setting-name", "plain-setting"], ["scalar"], convert=setting_text
        ),
        extra_flags=reader.items("extraFlags", "string", "flag") or (),
        labels=reader.pairs("labels", ["label-name"], ["text", "label-value"]),
        environment=reader.pairs("environment", ["variable-name", "plain-variable"], ["scalar"], convert=setting_text),
        pod_spec=_pod_spec(reader.child("podSpec")),
        organization=reader.take("organization", "string"),
        finalize_upgrade=reader.take("finalizeUpgrade", "boolean", default=True),
    )
    # A secret: seen here only to be known as a key, never kept and never shown.
    reader.take("license", "secret-string", shown=lambda _: "the value")
    for child in (resources, storage, reader):
        child.close()
    return settings


def _pod_spec(reader: Reader) -> dict[str, Any]:
    kinds = {"string": POD_SPEC_NAMES, "object": POD_SPEC_OBJECTS, "list": POD_SPEC_LISTS}
    fields = {key: reader.take(key, kind) for kind, keys in kinds.items() for key in keys}
    reader.close()
    return {key: value for key, value in fields.items() if value is not None}


def setting_text(value: Any) -> str:
    """A cluster setting's value as SQL expects it: YAML's booleans become true and false."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _databases(
    top: Reader, regions: tuple[RegionSettings, ...], backup: BackupSettings | None
) -> tuple[DatabaseSettings, ...]:
    listed = top.take("databases", "list", default=[])
    active = tuple(region.name for region in regions if region.state == RegionState.ACTIVE)
    return tuple(
        _database(Reader(entry, f"databases[{index}]", top.log), active, backup)
        for index, entry in enumerate(listed if isinstance(listed, list) else [])
    )


def _database(reader: Reader, active: tuple[str, ...], backup: BackupSettings | None) -> DatabaseSettings:
    listed = reader.items("regions", "string")
    primary = reader.take("primaryRegion", "string")
    regions = listed if listed is not None else active
    if primary is None:
        primary = regions[0] if regions else ""
    name = reader.take(
        "name", "string", "sql-name", "sql-database", required="name the database, such as bank", default=""
    )
    restored = reader.values.get("restoredFrom") is not None  # `{}` is: all of it has defaults
    source = reader.child("restoredFrom")
    settings = DatabaseSettings(
        name=name,
        owner=reader.take(
            "owner", "string", "sql-name", "sql-user", required="name the user that owns it, such as app", default=""
        ),
        users=reader.items("users", "string", "sql-name", "sql-user") or (),
        primary_region=primary,
        regions=regions,
        survive=reader.take("survive", "string", "survive", convert=SurvivalGoal, default=SurvivalGoal.ZONE),
        restored_from=_restored_from(source, name, backup) if restored else None,
    )
    reader.close()
    return settings


def _restored_from(reader: Reader, name: str, backup: BackupSettings | None) -> RestoredFrom:
    required = "say where the backup is, or set backup.uri" if backup is None else None
    settings = RestoredFrom(
        database=reader.take("database", "string", "sql-database", default=name),
        uri=_uri(reader, required, backup.uri if backup is not None else ""),
        backup=reader.take("backup", "string", "backup-name", default=defaults.BACKUP),
        at=reader.take("at", "string", "moment"),
    )
    reader.close()
    return settings


def _dns(reader: Reader) -> DnsSettings:
    zones: dict[str, tuple[str, ...]] = {}
    stubs = reader.child("extraStubDomains")
    for zone in list(stubs.values):
        if stubs.accept(stubs.at(str(zone)), zone, "string", "dns-name") is not None:
            zones[zone] = stubs.items(zone, "string", "address") or ()
    settings = DnsSettings(
        extra_stub_domains=zones,
        extra_server_blocks=reader.take("extraServerBlocks", "text", "server-blocks", default=""),
    )
    reader.close()
    return settings


def _certificates(reader: Reader) -> CertificatesSettings:
    word = reader.take("authority", "scalar", "authority", convert=str, default="1")
    authority, _, beside = word.partition("+")
    leaves = reader.take("leaves", "integer", "generation", default=1)
    reader.close()
    return CertificatesSettings(int(authority), int(beside) if beside else None, leaves)


def _backup(reader: Reader) -> BackupSettings | None:
    if not reader.values:
        return None
    settings = BackupSettings(
        uri=_uri(reader, "say where backups go, such as gs://bucket/path?AUTH=implicit"),
        schedule=reader.take("schedule", "string", "schedule", default=defaults.BACKUP_SCHEDULE),
        incremental=reader.take("incremental", "string", "schedule"),
        revision_history=reader.take("revisionHistory", "boolean", default=False),
    )
    reader.close()
    return settings


def _uri(reader: Reader, required: str | None, default: str = "") -> str:
    return reader.take(
        "uri",
        "string",
        "backup-uri",
        "backup-uri-secret",
        required=required,
        default=default,
        # Parameters may carry a credential.
        shown=lambda value: str(value).split("?")[0],
    )


def _monitoring(reader: Reader) -> MonitoringSettings:
    settings = MonitoringSettings(
        service_monitor=reader.take("serviceMonitor", "boolean", default=False),
        rules=reader.take("rules", "boolean", default=False),
        dashboards=reader.take("dashboards", "boolean", default=False),
        labels=reader.pairs("labels", ["label-name"], ["text", "label-value"]),
    )
    reader.close()
    return settings
