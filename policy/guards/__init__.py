"""What no stack should have, whatever its network connects: one rule per module, each a pure function of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..graph import Graph
from ..topology import Topology
from . import encryption, iam, protection, public
from .finding import Finding

Rule = Callable[[Graph, Topology | None], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Guard:
    """One rule of the pack."""

    name: str
    description: str
    rule: Rule


GUARDS = (
    Guard("nothing-public", "Nothing answers the internet: no open firewall, no public endpoint.", public.findings),
    Guard("encryption", "Secrets and disks are encrypted.", encryption.findings),
    Guard("deletion-protection", "Clusters and disks outlive a mistake unless allowDataLoss.", protection.findings),
    Guard("least-privilege", "No wildcard in what a role may do or who may take it.", iam.findings),
)

__all__ = ["GUARDS", "Finding", "Guard"]
