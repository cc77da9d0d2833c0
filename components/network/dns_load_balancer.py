"""How other regions reach a cluster's DNS servers: load balancers on addresses that were planned."""

from functools import partial
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from .cluster_dns import NAMESPACE
from .service_address import planned_address

SERVICE = "cockroachdb-dns"
SELECTOR = {"k8s-app": "kube-dns"}
PROTOCOLS = {"dns": "UDP", "dns-tcp": "TCP"}
"""Name of a port -> its protocol."""


class DnsLoadBalancerArgs(TypedDict):
    """Where a cluster's DNS servers answer."""

    addresses: list[str]
    """IPv4 addresses to ask the cluster's load balancer for, one Service each."""
    client_cidrs: NotRequired[list[str]]
    """Who may ask: pod and node ranges of the regions. Default: anyone who can route there."""
    load_balancer_class: NotRequired[str]
    """`spec.loadBalancerClass`. Default: the cluster's own."""
    selector: NotRequired[dict[str, str]]
    """Labels of the pods behind it. Default: those of the cluster's DNS."""
    annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the Services, where a load balancer is asked for by those."""
    split_protocols: NotRequired[bool]
    """True: a Service for UDP and one for TCP share each address. Default: one Service for both."""
    node_ports: NotRequired[dict[str, int]]
    """Ports of every host, `dns` for UDP and `dns-tcp` for TCP, that load balancers made elsewhere send to: then the
    addresses are theirs, and one Service of type NodePort is all that is made here."""


class DnsLoadBalancer(pulumi.ComponentResource):
    """A Service per planned address in front of the cluster's DNS pods, for UDP and TCP alike.

    Both protocols are needed: every truncated answer is asked for again over TCP, and some node-local DNS caches ask by
    nothing else. No other region waits for this: they forward to the planned addresses, and an address that is not the
    planned one fails here, loudly.
    """

    addresses: pulumi.Output[list[str]]
    """The addresses, once the load balancers really have them."""

    def __init__(self, name: str, args: DnsLoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:DnsLoadBalancer", name, {}, opts)

        def service(suffix: str, spec: k8s.core.v1.ServiceSpecArgsDict) -> k8s.core.v1.Service:
            return k8s.core.v1.Service(
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
                spec=spec,
                opts=pulumi.ResourceOptions(parent=self),
            )

        if "node_ports" in args:
            made = service("", _node_port_spec(args["node_ports"], args.get("selector", SELECTOR)))
            self.addresses = made.id.apply(lambda _: args["addresses"])
        else:
            given: list[pulumi.Output[str]] = []
            for index, address in enumerate(args["addresses"]):
                place = "" if index == 0 else f"-{index + 1}"
                for protocols, suffix in _services(args):
                    made = service(f"{place}{suffix}", _spec(address, protocols, args))
                    given.append(made.status.apply(partial(_planned, address)))
            self.addresses = pulumi.Output.all(*given).apply(lambda addresses: list(dict.fromkeys(addresses)))
        self.register_outputs({"addresses": self.addresses})


def _services(args: DnsLoadBalancerArgs) -> list[tuple[list[str], str]]:
    """The protocols of each Service of one address, and the end of its name."""
    return [(["dns"], ""), (["dns-tcp"], "-tcp")] if args.get("split_protocols", False) else [(["dns", "dns-tcp"], "")]


def _ports(names: list[str]) -> list[k8s.core.v1.ServicePortArgsDict]:
    return [{"name": name, "port": 53, "target_port": 53, "protocol": PROTOCOLS[name]} for name in names]


def _node_port_spec(node_ports: dict[str, int], selector: dict[str, str]) -> k8s.core.v1.ServiceSpecArgsDict:
    return {
        "type": "NodePort",
        "selector": selector,
        "ports": [
            {**port, "node_port": node_ports[name]} for name, port in zip(PROTOCOLS, _ports([*PROTOCOLS]), strict=True)
        ],
    }


def _spec(address: str, protocols: list[str], args: DnsLoadBalancerArgs) -> k8s.core.v1.ServiceSpecArgsDict:
    spec: k8s.core.v1.ServiceSpecArgsDict = {
        "type": "LoadBalancer",
        "load_balancer_ip": address,
        "selector": args.get("selector", SELECTOR),
        "ports": _ports(protocols),
    }
    if "load_balancer_class" in args:
        spec["load_balancer_class"] = args["load_balancer_class"]
    if "client_cidrs" in args:
        spec["load_balancer_source_ranges"] = args["client_cidrs"]
    return spec


def _planned(address: str, status: k8s.core.v1.outputs.ServiceStatus | None) -> str:
    return planned_address(
        address,
        status,
        f"the DNS load balancer was planned at {address}, which every other region forwards to, but has",
        ", or `dnsManaged: false`",
    )
