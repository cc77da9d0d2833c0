"""How a cluster's Services get their planned addresses: plain values that a platform states of its clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi


@dataclass(frozen=True, slots=True)
class Balancing:
    """What a Service that other regions or clients reach looks like in a cluster.

    It is of type LoadBalancer and asks for its planned address; or, `by_node_port`, of type NodePort: load balancers
    that the program itself made have the addresses, and send to the planned node ports of every host.
    """

    load_balancer_class: str | None = None
    annotations: Mapping[str, str | pulumi.Output[str]] = field(default_factory=dict)
    split_protocols: bool = False
    """TCP and UDP are two Services that share one address (GKE's internal load balancers before 1.36.2)."""
    by_node_port: bool = False
    fixed_health_checks: bool = False
    """Hosts are asked for their health on planned ports, for a firewall must let that in. Else the cluster chooses."""
    waits_for: Sequence[pulumi.Resource] = ()
    """What must be there before an address answers: reserved addresses, or the program's own load balancers."""
