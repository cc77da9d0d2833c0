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

    Without `node_ports` it is of type LoadBalancer and asks for its planned address. With them it is of type NodePort:
    load balancers that the program itself made have the addresses, and send to these ports of every host.
    """

    load_balancer_class: str | None = None
    annotations: Mapping[str, str | pulumi.Output[str]] = field(default_factory=dict)
    split_protocols: bool = False
    """TCP and UDP are two Services that share one address (GKE's internal load balancers before 1.36.2)."""
    node_ports: Mapping[str, int] = field(default_factory=dict)
    """Port name (`dns`, `dns-tcp`, `grpc`, `http`) -> node port."""
    health_check_node_port: int | None = None
    """Where the SQL load balancer asks hosts for their health; None: the cluster chooses."""
    waits_for: Sequence[pulumi.Resource] = ()
    """What must be there before an address answers: reserved addresses, or the program's own load balancers."""
