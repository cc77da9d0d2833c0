"""`python -m policy FILE`: the proof and the guards on a preview or a stack's state, without the engine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .findings import Severity
from .graph import Graph
from .guards import GUARDS
from .reach import violations
from .sources import from_json
from .topology import topology

UNREADABLE, FOUND = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per violation. Returns 0; 2 where something is violated; 1 where the input cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m policy", description=__doc__)
    parser.add_argument(
        "file", help="output of `pulumi preview --json --show-sames` or `pulumi stack export`; - for stdin"
    )
    parser.add_argument("--strict", action="store_true", help="a missing stand-in (degraded) counts as a violation")
    given = parser.parse_args(arguments)
    try:
        graph = from_json(json.loads(sys.stdin.read() if given.file == "-" else Path(given.file).read_text()))
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{given.file}: {error}\n")
        return UNREADABLE
    lines = [*_proof(graph), *_guards(graph)]
    for counts, line in lines:
        (sys.stdout if counts or given.strict else sys.stderr).write(f"{line}\n")
    return FOUND if any(counts or given.strict for counts, _ in lines) else 0


def _proof(graph: Graph) -> list[tuple[bool, str]]:
    """Whether it counts, and the line."""
    planned = topology(graph)
    if planned is None:
        sys.stderr.write("no AddressLock in the stack, so no plan of regions to prove: the guards alone\n")
        return []
    if planned.unproved:
        sys.stderr.write(f"not proved, for the program makes no network there: {', '.join(planned.unproved)}\n")
    pairs = len(planned.regions) * (len(planned.regions) - 1)
    found = violations(graph, planned)
    broken = {(each.source, each.target) for each in found if each.severity is Severity.BROKEN}
    sys.stderr.write(f"{pairs - len(broken)} of {pairs} ordered pairs of regions reach each other\n")
    return [(each.severity is Severity.BROKEN, str(each)) for each in found]


def _guards(graph: Graph) -> list[tuple[bool, str]]:
    planned = topology(graph)
    return [(True, f"{guard.name}: {finding}") for guard in GUARDS for finding in guard.rule(graph, planned)]
