"""Strategy `stub-domains`: where a load balancer's IP becomes another cluster's stub domain."""

from typing import NotRequired, TypedDict

import pulumi

from ...network.dns_forwards import DnsForwards
from ...network.dns_load_balancer import DnsLoadBalancer, DnsLoadBalancerArgs
from ...plan.balancers import DNS_PORTS
from ..connection import Connection, Offers, Site


class StubDomainsArgs(TypedDict):
    """One region's part of the wiring."""

    kubeconfig: pulumi.Input[str]
    """Path of the kubeconfig that reaches this region's cluster, relative to the project's folder, or its text."""
    context: pulumi.Input[str]
    """The cluster's context in it."""
    dns_kind: str
    """`kube-dns` or `coredns`: which server holds the forwards."""
    dns_zone: str
    """This region's own zone, e.g. `us-east1.svc.cluster.local`: never forwarded."""
    dns_addresses: list[str]
    """Where this region's DNS servers answer the others."""
    dns_managed: bool
    """False: something else makes `dns_addresses` answer, no load balancer is made."""
    forwards: dict[str, list[str]]
    """Every other region's zone -> that region's `dns_addresses`."""
    owner: str
    """Marks our entries in the shared DNS configuration: `project/stack`."""
    client_cidrs: NotRequired[list[str]]
    """Who may ask this region's DNS: pod and node ranges of the regions. Default: anyone who can route there."""
    load_balancer_class: NotRequired[str]
    """`spec.loadBalancerClass`. Default: the cluster's own."""
    load_balancer_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the DNS load balancer's Services."""
    split_protocols: NotRequired[bool]
    """True: the load balancer takes TCP and UDP in Services of their own. Default false."""
    node_ports: NotRequired[dict[str, int]]
    """Ports of every host that the program's own load balancer sends to; see `DnsLoadBalancer`."""
    owns_dns_text: NotRequired[bool]
    """True: the platform writes the cluster's whole DNS configuration, the forwards in it. Default false."""
    lost: NotRequired[bool]
    """True: the cluster is gone; no call is made to it, and its load balancer leaves the state. Default false."""


class StubDomains(Connection):
    """A region's DNS answers the other regions, and asks them for their names.

    Region A's `dns_addresses` are load balancer addresses that the plan fixed beforehand. Here A's load balancer takes
    them; in every other region's `StubDomains` the same addresses are the value of A's zone in `forwards`. Nothing but
    the plan connects the two, so no cluster waits for another.
    """

    addresses: pulumi.Output[list[str]]
    """Where this region's DNS answers the others, once it does."""

    def __init__(self, name: str, args: StubDomainsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:StubDomains", name, {}, opts)
        lost = args.get("lost", False)
        self.addresses = pulumi.Output.from_input(args["dns_addresses"])
        if args["dns_managed"] and not lost:
            balancer = DnsLoadBalancer(f"{name}-dns", _balancer_args(args), pulumi.ResourceOptions(parent=self))
            self.addresses = balancer.addresses
        if not args.get("owns_dns_text", False):
            DnsForwards(
                f"{name}-forwards",
                {
                    "kubeconfig": args["kubeconfig"],
                    "context": args["context"],
                    "kind": args["dns_kind"],
                    "zone": args["dns_zone"],
                    "owner": args["owner"],
                    "forwards": args["forwards"],
                    "lost": lost,
                },
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"addresses": self.addresses})


def _balancer_args(args: StubDomainsArgs) -> DnsLoadBalancerArgs:
    balancer: DnsLoadBalancerArgs = {"addresses": args["dns_addresses"]}
    if "client_cidrs" in args:
        balancer["client_cidrs"] = args["client_cidrs"]
    if "load_balancer_class" in args:
        balancer["load_balancer_class"] = args["load_balancer_class"]
    if "load_balancer_annotations" in args:
        balancer["annotations"] = args["load_balancer_annotations"]
    if "split_protocols" in args:
        balancer["split_protocols"] = args["split_protocols"]
    if "node_ports" in args:
        balancer["node_ports"] = args["node_ports"]
    return balancer


def connect_region(site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> StubDomains:
    """This strategy's resources in one region. `opts`: hold the region's provider."""
    region, here, cluster = site.region, site.here, site.cluster
    balancing = cluster.balancing
    args: StubDomainsArgs = {
        "kubeconfig": cluster.kubeconfig,
        "context": cluster.context,
        "dns_kind": region.dns_kind,
        "dns_zone": here.dns_zone,
        "dns_addresses": list(here.dns_addresses),
        "dns_managed": region.dns_managed,
        "forwards": {zone: list(addresses) for zone, addresses in here.forwards.items()},
        "owner": site.owner,
        "client_cidrs": site.client_cidrs,
        "load_balancer_annotations": dict(balancing.annotations),
        "split_protocols": balancing.split_protocols,
        "owns_dns_text": cluster.owns_dns_text,
        "lost": site.lost,
    }
    if balancing.load_balancer_class is not None:
        args["load_balancer_class"] = balancing.load_balancer_class
    if balancing.by_node_port:
        args["node_ports"] = {port.name: port.node_port for port in DNS_PORTS}
    return StubDomains(f"{region.name}-stub-domains", args, opts)
