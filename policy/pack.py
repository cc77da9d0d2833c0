"""The policy pack: the proof and the guards as policies for the engine to run after a preview or an update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from .findings import Severity
from .graph import Graph
from .guards import GUARDS, Guard
from .reach import violations
from .sources import from_analyzer, plain
from .topology import Topology, topology

NAME = "cockroachdb-multiregion"
NO_PLAN = "the stack has no AddressLock, and so no plan of regions to prove"

Check = Callable[[StackValidationArgs, ReportViolation], None]


_INPUTS: dict[str, Any] = {}
"""URN -> inputs of each resource of this run, which the engine hands over one by one before the stack's outputs."""


def serve() -> None:
    """Answer the engine until it is done."""
    PolicyPack(NAME, policies(), enforcement_level=EnforcementLevel.MANDATORY)


def policies() -> list[Policy]:
    """The proof, what it does not cover, and the guards."""
    mandatory, advisory = EnforcementLevel.MANDATORY, EnforcementLevel.ADVISORY
    return [
        ResourceValidationPolicy(
            name="resource-inputs",
            description="Reports nothing: notes what is asked for, of which a first preview's outputs leave some out.",
            validate=_note,
            enforcement_level=advisory,
        ),
        _policy("network-proof", "Every region reaches every other.", _reach(Severity.BROKEN), mandatory),
        _policy(
            "network-redundancy",
            "What regions reach each other by has a stand-in.",
            _reach(Severity.DEGRADED),
            advisory,
        ),
        _policy("network-unproved", "What the proof cannot see.", _unproved, advisory),
        *(_policy(guard.name, guard.description, _guarded(guard), mandatory) for guard in GUARDS),
    ]


def _policy(name: str, description: str, check: Check, level: EnforcementLevel) -> Policy:
    return StackValidationPolicy(name=name, description=description, validate=check, enforcement_level=level)


def _note(args: ResourceValidationArgs, _: ReportViolation) -> None:
    _INPUTS[args.urn] = plain(args.props)


def _planned(args: StackValidationArgs) -> tuple[Graph, Topology]:
    graph = from_analyzer(args.resources, _INPUTS)
    found = topology(graph)
    if found is None:
        args.not_applicable(NO_PLAN)
        raise AssertionError("unreachable: not_applicable raises")
    return graph, found


def _reach(severity: Severity) -> Check:
    def check(args: StackValidationArgs, report: ReportViolation) -> None:
        graph, planned = _planned(args)
        for violation in violations(graph, planned):
            if violation.severity is severity:
                _report(report, violation, violation.urn)

    return check


def _unproved(args: StackValidationArgs, report: ReportViolation) -> None:
    _, planned = _planned(args)
    if planned.unproved:
        report(unproved(planned), None)


def unproved(planned: Topology) -> str:
    """Said once for all of them."""
    return (
        f"{', '.join(planned.unproved)}: on clusters that were there before, whose network the program does not make; "
        "`make verify` asks it"
    )


def _guarded(guard: Guard) -> Check:
    def check(args: StackValidationArgs, report: ReportViolation) -> None:
        graph = from_analyzer(args.resources, _INPUTS)
        for finding in guard.rule(graph, topology(graph)):
            _report(report, finding, finding.resource.urn)

    return check


def _report(report: ReportViolation, found: Any, urn: str) -> None:
    report(str(found), urn or None)
