"""`python -m stacks.monitoring Pulumi.STACK.yaml FOLDER`: scrape configs, rules and dashboards as files.

For a Prometheus without the operator. Asks neither Pulumi nor a cluster.

Exit code 0 with the files' names on stdout; 2 with one problem per line on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pulumi
import yaml

from components.monitoring import alerts, dashboards, scrape
from components.monitoring.resources import RegionMonitoringArgs, WatchedArgs
from components.plan.amounts import milliseconds
from components.plan.defaults import DNS_PORT
from components.plan.model import (
    AddressPlan,
    BackupSettings,
    ConfigError,
    RegionPlan,
    RegionSettings,
    RegionState,
    Settings,
)
from components.strategies.services import PUBLIC_SERVICE, namespace_zone

from .arguments import LIVE
from .settings import from_stack_file, wrong_with

PERIODS = {"@hourly": 3600, "@daily": 86_400, "@midnight": 86_400, "@weekly": 7 * 86_400}
"""Seconds between two backups, by the schedule's word; of other schedules no rule says how old the newest may be."""


def wanted(settings: Settings) -> bool:
    """Whether any object is asked for."""
    monitoring = settings.monitoring
    return monitoring.service_monitor or monitoring.rules or monitoring.dashboards


def region_args(
    settings: Settings, plan: AddressPlan, region: RegionSettings, ca_certificate: pulumi.Input[str]
) -> RegionMonitoringArgs:
    """Args of one region's monitoring."""
    here, asked = plan.region(region.name), settings.monitoring
    args: RegionMonitoringArgs = {
        "cluster": settings.cockroachdb.cluster_name,
        "region": region.name,
        "namespace": here.namespace,
        "server_name": server_name(region),
        "ca_certificate": ca_certificate,
        "labels": dict(asked.labels),
        "service_monitor": asked.service_monitor,
        "dashboards": asked.dashboards,
    }
    if asked.rules:
        rules: WatchedArgs = {
            "nodes": active_nodes(settings),
            "max_offset_ms": milliseconds(settings.cockroachdb.max_offset),
            "dns_addresses": forwarded_to(here),
            "backups": settings.backup is not None,
        }
        args["rules"] = rules
    return args


def server_name(region: RegionSettings) -> str:
    """A name that every strategy's certificates have; targets are addresses, which few have."""
    return f"{PUBLIC_SERVICE}.{namespace_zone(region)}"


def active_nodes(settings: Settings) -> int:
    """Nodes that are to be live."""
    return sum(region.nodes for region in settings.regions if region.state is RegionState.ACTIVE)


def forwarded_to(region: RegionPlan) -> list[str]:
    """`host:port` that this region's DNS sends other regions' names to."""
    return sorted({f"{address}:{DNS_PORT}" for addresses in region.forwards.values() for address in addresses})


def files(settings: Settings, plan: AddressPlan, folder: str) -> Iterator[tuple[str, str]]:
    """Name and text of each file. `folder`: where Prometheus will find them."""
    live = [region for region in settings.regions if region.state in LIVE]
    for region in live:
        scraped = scrape.Scraped(
            settings.cockroachdb.cluster_name, region.name, plan.region(region.name).namespace, server_name(region)
        )
        yield f"scrape-{region.name}.yml", _yaml({"scrape_configs": scrape.scrape_configs(scraped, folder)})
    watched = alerts.Watched(
        cluster=settings.cockroachdb.cluster_name,
        nodes=active_nodes(settings),
        max_offset_ms=milliseconds(settings.cockroachdb.max_offset),
        dns_addresses=sorted({address for region in live for address in forwarded_to(plan.region(region.name))}),
        backups=settings.backup is not None,
    )
    yield "rules.yml", _yaml({"groups": alerts.groups(watched)})
    if (seconds := period(settings.backup)) is not None:
        yield "rules-all-regions.yml", _yaml({"groups": alerts.groups_of_all_regions(watched, seconds)})
    for dashboard in dashboards.DASHBOARDS:
        yield f"{dashboard.name}.json", dashboards.to_json(dashboard)


def period(backup: BackupSettings | None) -> int | None:
    """Longest time between two backups, in seconds; None where there are none, or nobody can tell."""
    return None if backup is None else PERIODS.get(backup.incremental or backup.schedule)


class _Plain(yaml.SafeDumper):
    """No anchors: what two jobs share is written twice, as people would."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _yaml(document: object) -> str:
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m stacks.monitoring",
        description="Write scrape configs, alert rules and dashboards for a Prometheus without the operator.",
    )
    parser.add_argument("stack_file", type=Path, metavar="Pulumi.STACK.yaml")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="written to; made where it is not there")
    parser.add_argument(
        "--mounted-at",
        default="/etc/prometheus/cockroachdb",
        metavar="PATH",
        help="where Prometheus sees the folder (default %(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        settings, plan = from_stack_file(options.stack_file)
        options.folder.mkdir(parents=True, exist_ok=True)
        for name, text in files(settings, plan, options.mounted_at):
            (options.folder / name).write_text(text, encoding="utf-8")
            print(options.folder / name)  # noqa: T201
    except (ConfigError, OSError) as error:
        print(wrong_with(error), file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
