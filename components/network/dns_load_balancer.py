"""How other regions reach a cluster's DNS servers: load balancers on addresses that were planned."""

from functools import partial
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from .cluster_dns import NAMESPACE

SERVICE = "cockroachdb-dns"


class DnsLoadBalancerArgs(TypedDict):
    """Where a cluster's DNS servers answer."""

    addresses: list[str]
    """IPv4 addresses to ask the cluster's load balancer for, one Service each."""
    client_cidrs: NotRequired[list[str]]
    """Who may ask: pod and node ranges of the regions. Default: anyone who can route there."""
    load_balancer_class: NotRequired[str]
    """`spec.loadBalancerClass`. Default: the cluster's own."""
    annotations: NotRequired[dict[str, str]]
    """Annotations of the Services, where a load balancer is asked for by those."""


class DnsLoadBalancer(pulumi.ComponentResource):
    """One Service per planned address in front of the cluster's DNS pods, for UDP and TCP alike.

    Both protocols are needed: a node-local DNS cache, and every truncated answer, asks over TCP. No other region waits
    for this: they forward to the planned addresses, and an address that is not the planned one fails here, loudly.
    """

    addresses: pulumi.Output[list[str]]
    """The addresses, once the load balancers really have them."""

    def __init__(self, name: str, args: DnsLoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:DnsLoadBalancer", name, {}, opts)
        given: list[pulumi.Output[str]] = []
        for index, address in enumerate(args["addresses"]):
            suffix = "" if index == 0 else f"-{index + 1}"
            service = k8s.core.v1.Service(
                f"{name}-service{suffix}",
                metadata={
                    "name": f"{SERVICE}{suffix}",
                    "namespace": NAMESPACE,
                    "labels": {
                        "app.kubernetes.io/name": SERVICE,
                        "app.kubernetes.io/part-of": "cockroachdb-multiregion",
                    },
                    "annotations": args.get("annotations", {}),
                },
                spec=_spec(address, args),
                opts=pulumi.ResourceOptions(parent=self),
            )
            given.append(service.status.apply(partial(planned_address, address)))
        self.addresses = pulumi.Output.all(*given)
        self.register_outputs({"addresses": self.addresses})


def planned_address(planned: str, status: k8s.core.v1.outputs.ServiceStatus | None) -> str:
    """`planned`, once the status shows it. Raises RuntimeError when the load balancer got another address.

    In a preview the status is of no meaning, and the plan is believed.
    """
    if pulumi.runtime.is_dry_run():
        return planned
    balancer = status.load_balancer if status else None
    addresses = [ingress.ip for ingress in (balancer.ingress if balancer else None) or []]
    if planned not in addresses:
        raise RuntimeError(
            f"the DNS load balancer was planned at {planned}, which every other region forwards to, but has"
            f" {', '.join(filter(None, addresses)) or 'no address'}: is that address free, and does this cluster's load"
            " balancer honour `loadBalancerIP` (else use `loadBalancer.annotations`, or `dnsManaged: false`)?"
        )
    return planned


def _spec(address: str, args: DnsLoadBalancerArgs) -> k8s.core.v1.ServiceSpecArgsDict:
    spec: k8s.core.v1.ServiceSpecArgsDict = {
        "type": "LoadBalancer",
        "load_balancer_ip": address,
        "selector": {"k8s-app": "kube-dns"},
        "ports": [
            {"name": "dns", "port": 53, "target_port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "target_port": 53, "protocol": "TCP"},
        ],
    }
    if "load_balancer_class" in args:
        spec["load_balancer_class"] = args["load_balancer_class"]
    if "client_cidrs" in args:
        spec["load_balancer_source_ranges"] = args["client_cidrs"]
    return spec
