"""Strategy `proxy`: where a region's nodes become ports of one address."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ...network.service_address import planned_address
from ...plan.defaults import HTTP_PORT, SQL_PORT
from ...plan.model import BalancerPort
from ..connection import Connection, NoConnection, Offers, Site
from ..services import pod_name
from . import haproxy, manifests
from .options import proxy_address, region_options, stack_options
from .plan import HTTP_FIRST, MOST_NODES, SQL_FIRST, namespace, proxy_ports

DATABASE_LABELS = {"app.kubernetes.io/name": "cockroachdb", "app.kubernetes.io/component": "database"}
"""Of the nodes' pods."""


class ProxiedNodeArgs(TypedDict):
    """A CockroachDB node behind the proxies."""

    pod: str
    """Name of its pod."""
    host: str
    """The pod's name in the cluster's own DNS, with the cluster's domain."""
    sql_port: int
    """Where the proxies take what is for the node's SQL and RPC port."""
    http_port: int
    """The same for HTTP."""


class NodeProxiesArgs(TypedDict):
    """A region's proxies."""

    namespace: str
    """Theirs."""
    database_namespace: str
    """The nodes'."""
    address: str
    """Planned address, at which the other regions dial this one's nodes."""
    nodes: list[ProxiedNodeArgs]
    """The nodes."""
    image: str
    """Full reference of the HAProxy image."""
    client_cidrs: list[str]
    """Who may connect: pod and node ranges of the regions."""
    node_selector: NotRequired[dict[str, str]]
    """Labels of the hosts that proxies may run on. Default: any host."""
    load_balancer_class: NotRequired[str]
    """`spec.loadBalancerClass`. Default: the cluster's own."""
    load_balancer_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the load balancer's Service."""


class NodeProxies(Connection):
    """Two HAProxies on different hosts behind one load balancer, which give every node of the region a port.

    They pass TLS through and hold no key. What they send to a node they find by its pod's name, in their own cluster
    alone, so neither names nor pods' addresses have to mean anything in another.
    """

    addresses: pulumi.Output[list[str]]
    """None: no region's DNS answers another's."""
    address: pulumi.Output[str]
    """Where the region's nodes answer, once the load balancer really has it."""

    def __init__(self, name: str, args: NodeProxiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:NodeProxies", name, {}, opts)
        home = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": args["namespace"],
                "labels": {**manifests.LABELS, "pod-security.kubernetes.io/enforce": "restricted"},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[home])

        def meta(suffix: str = "") -> k8s.meta.v1.ObjectMetaArgs:
            return k8s.meta.v1.ObjectMetaArgs(
                name=f"{manifests.NAME}{suffix}", namespace=args["namespace"], labels=manifests.LABELS
            )

        first: list[pulumi.Resource] = [
            k8s.networking.v1.NetworkPolicy(
                f"{name}-default-deny", metadata=meta("-default-deny"), spec=manifests.default_deny_spec(), opts=inside
            ),
            k8s.networking.v1.NetworkPolicy(
                f"{name}-policy",
                metadata=meta(),
                spec=manifests.policy_spec(
                    args["database_namespace"],
                    DATABASE_LABELS,
                    args["client_cidrs"],
                    [(start, start + MOST_NODES - 1) for start in (SQL_FIRST, HTTP_FIRST)],
                ),
                opts=inside,
            ),
            k8s.core.v1.ConfigMap(
                f"{name}-config", metadata=meta(), data={haproxy.FILE: haproxy_file(args)}, opts=inside
            ),
        ]
        k8s.policy.v1.PodDisruptionBudget(f"{name}-budget", metadata=meta(), spec=manifests.budget_spec(), opts=inside)
        deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=meta(),
            spec=manifests.deployment_spec(args["image"], args.get("node_selector", {})),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[home, *first]),
        )
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=manifests.NAME,
                namespace=args["namespace"],
                labels=manifests.LABELS,
                annotations=args.get("load_balancer_annotations", {}),
            ),
            spec=manifests.service_spec(
                args["address"], service_ports(args), args["client_cidrs"], args.get("load_balancer_class")
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[home, deployment]),
        )
        self.address = service.status.apply(lambda status: _planned(args["address"], status))
        self.addresses = self.address.apply(lambda _: [])
        self.register_outputs({"addresses": self.addresses, "address": self.address})


def haproxy_file(args: NodeProxiesArgs) -> str:
    """HAProxy's configuration."""
    backends = [
        haproxy.Backend(node["pod"], node["host"], node["sql_port"], node["http_port"]) for node in args["nodes"]
    ]
    return haproxy.render(backends, SQL_PORT, HTTP_PORT)


def service_ports(args: NodeProxiesArgs) -> list[BalancerPort]:
    """Two for each node."""
    return [port for ordinal in range(len(args["nodes"])) for port in proxy_ports(ordinal)]


def _planned(address: str, status: k8s.core.v1.outputs.ServiceStatus | None) -> str:
    return planned_address(
        address,
        status,
        f"the proxies' load balancer was planned at {address}, where every other region looks for this one's nodes,"
        " but has",
    )


def connect_region(site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> Connection:
    """This strategy's resources in one region. `opts`: hold the region's provider."""
    region, here, balancing = site.region, site.here, site.cluster.balancing
    if site.lost:
        return NoConnection(f"{region.name}-connection", opts)
    options = region_options(region)
    args: NodeProxiesArgs = {
        "namespace": namespace(region.name),
        "database_namespace": here.namespace,
        "address": proxy_address(region),
        "nodes": [
            {
                "pod": node.name,
                "host": pod_name(region, node.name),
                "sql_port": node.port,
                "http_port": node.http_port,
            }
            for node in here.nodes
        ],
        "image": stack_options(site.settings).image,
        "client_cidrs": site.client_cidrs,
        "node_selector": dict(options.node_selector),
        "load_balancer_annotations": dict(balancing.annotations),
    }
    if balancing.load_balancer_class is not None:
        args["load_balancer_class"] = balancing.load_balancer_class
    return NodeProxies(f"{region.name}-proxies", args, opts)
