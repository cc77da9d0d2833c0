"""`python -m stacks.plan Pulumi.STACK.yaml [--json]`: a stack file's address plan, without Pulumi or a cluster.

Exit code 0 with the plan on stdout; 2 with one problem per line on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from components.plan import AddressPlan, ConfigError, Problem, Settings
from components.plan.lock import compare
from components.plan.model import RegionPlan

from .settings import from_stack_file, wrong_with


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m stacks.plan", description="Print the address plan of a stack file, or everything wrong with it."
    )
    parser.add_argument("stack_file", type=Path, metavar="Pulumi.STACK.yaml")
    parser.add_argument(
        "--json", action="store_true", help="print the plan as JSON: the same object as the topology output"
    )
    parser.add_argument(
        "--previous",
        type=Path,
        metavar="FILE",
        help="JSON of a running stack's topology output: refuse what would move its addresses",
    )
    options = parser.parse_args(arguments)
    try:
        settings, plan = from_stack_file(options.stack_file)
        if options.previous is not None:
            refuse_moves(options.previous, settings, plan)
    except (ConfigError, OSError) as error:
        print(wrong_with(error), file=sys.stderr)  # noqa: T201
        return 2
    print(json.dumps(plan.to_json(), indent=2) if options.json else table(settings, plan))  # noqa: T201
    return 0


def refuse_moves(previous: Path, settings: Settings, plan: AddressPlan) -> None:
    """Raise ConfigError where the plan moves what the topology in `previous` has. Raises OSError for no file."""
    try:
        topology = json.loads(previous.read_text(encoding="utf-8"))
        problems = compare(topology, plan, settings.allow_data_loss) if topology["regions"] else []
    except (ValueError, KeyError, TypeError) as error:
        wrong = Problem(str(previous), "is not a topology; write it with `pulumi stack output topology --json`")
        raise ConfigError([wrong]) from error
    if problems:
        raise ConfigError(problems)


def table(settings: Settings, plan: AddressPlan) -> str:
    """The plan for people: a row per region, then forwards, join list and databases."""
    rows = [("REGION", "STATE", "PLATFORM", "RANGE", "NODES", "PODS", "SERVICES", "DNS", "SQL")]
    rows += [row for region in plan.regions for row in _rows(region)]
    lines = [f"strategy {plan.strategy}, CockroachDB {settings.cockroachdb.version}", "", *columns(rows), ""]
    forwards = [
        (region.name, zone, ", ".join(addresses))
        for region in plan.regions
        for zone, addresses in region.forwards.items()
    ]
    lines += columns([("IN REGION", "NAMES IN ZONE", "ARE ASKED OF"), *forwards]) if forwards else ["no forwards"]
    lines += ["", "join list, the same everywhere:", *(f"  {address}" for address in plan.join_addresses)]
    if settings.databases:
        databases = [
            (database.name, database.owner, database.primary_region, " ".join(database.regions), str(database.survive))
            for database in settings.databases
        ]
        lines += ["", *columns([("DATABASE", "OWNER", "PRIMARY REGION", "REGIONS", "SURVIVES LOSS OF A"), *databases])]
    return "\n".join(lines)


def _rows(region: RegionPlan) -> Iterator[tuple[str, ...]]:
    """A region's row, and one more for each further address that its load balancers have."""
    first = (
        region.name,
        str(region.state),
        str(region.platform),
        str(region.cidr),
        f"{len(region.nodes)} in {region.node_cidr}",
        str(region.pod_cidr),
        str(region.service_cidr),
    )
    for place, (dns, sql) in enumerate(zip_longest(region.dns_addresses, region.sql_addresses, fillvalue="")):
        yield (*(first if place == 0 else [""] * len(first)), dns, sql)


def columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of equal length as aligned lines."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


if __name__ == "__main__":
    sys.exit(main())
