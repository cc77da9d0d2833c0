"""Platform `eks`: a cluster of Amazon Elastic Kubernetes Service in a VPC of its own."""

from functools import partial
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ..network.aws.balancer import BalancerPortArgs, BalancerTargetsArgs, NetworkLoadBalancer
from ..plan.authorized import by_endpoint
from ..plan.balancers import SQL
from . import RegionalCluster
from .balancing import Balancing
from .eks_access import administrators
from .eks_addons import PEERED_MTU, network_addons, service_addons
from .eks_control_plane import control_plane
from .eks_hosts import autoscaling_group, hosts_by_zone
from .eks_rules import EksPeerArgs, EksPortArgs, PeerLists, api_rules, peer_rules, sources
from .kubeconfig import exec_kubeconfig
from .kubernetes_provider import kubernetes_provider
from .place import Place

STORAGE_CLASS = "cockroachdb"


class EksZoneArgs(TypedDict):
    """What the cluster has in one availability zone."""

    name: str
    """Such as `us-east-1a`."""
    private_subnet: pulumi.Input[str]
    """Id of the subnet of hosts and pods."""
    routed_subnet: NotRequired[pulumi.Input[str]]
    """The same, known only once hosts in it find their way out: the control plane need not wait. Default: it is."""
    balancer_subnet: pulumi.Input[str]
    """Id of the load balancers' subnet, which their addresses in this zone are of."""
    hosts: int
    """How many hosts; a zone with none still has addresses, which lead to the other zones'."""


class EksBalancerArgs(TypedDict):
    """An internal load balancer in front of every host."""

    kind: str
    """`sql`, for `client_cidrs`; else what the ports of the other regions' pods and hosts go `to`."""
    name: str
    """Part of its resources' names, and no other's here."""
    addresses: dict[str, str]
    """Zone -> where it answers there; in some of the zones, or in all."""
    ports: list[BalancerPortArgs]
    """What it takes."""


class EksClusterArgs(TypedDict):
    """Where the cluster is, what it stands on, how large it is, and who may reach it."""

    location: str
    """The AWS region."""
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    vpc_cidr: str
    """Range of the VPC: hosts and pods."""
    zones: list[EksZoneArgs]
    """At least two, as EKS wants it."""
    service_cidr: str
    """Range of Services, outside of every VPC."""
    corefile: str
    """The cluster's whole DNS configuration, forwards to the other regions included."""
    peers: list[EksPeerArgs]
    """The other regions."""
    ports: list[EksPortArgs]
    """What regions must reach of each other."""
    balancers: list[EksBalancerArgs]
    """What other regions and clients come by."""
    client_cidrs: list[str]
    """Who may reach SQL and the console by the load balancer."""
    authorized_cidrs: NotRequired[list[str]]
    """Who may reach the API server beside the cluster's own hosts and pods: public ranges by its public endpoint, which
    it has for them only, private ones by its private endpoint. Default: nobody."""
    admin_arns: NotRequired[list[str]]
    """IAM principals that administer the cluster, beside the one that made it."""
    instance_type: NotRequired[str]
    """The hosts'. Default `m6i.2xlarge`."""
    kubernetes_version: NotRequired[str]
    """Such as `1.36`. Default: EKS's own at creation; it stays then."""
    addon_versions: NotRequired[dict[str, str]]
    """Version of add-ons by name, such as `vpc-cni`. Default: EKS's own at creation; it stays then."""
    mtu: NotRequired[int]
    """Bytes of the largest packet that every path to a peer takes. Default 8500; through a VPN it is less."""
    deletion_protection: NotRequired[bool]
    """True, the default: a deletion of the cluster fails."""
    lost: NotRequired[bool]
    """True: the cluster is out of reach. Its API server is never called again, its objects leave the state, and what
    the cloud has of it stays as it is. Default false."""


class EksCluster(RegionalCluster):
    """A cluster with hosts in private subnets, a node group per zone, and load balancers of the program's own.

    Order matters: the network add-on is there before the first host, so that no pod is ever born with SNAT on; DNS and
    disks come after, for they need hosts to run on, and they go before the cluster does. The load balancers are built
    beside the cluster, and other regions are told their addresses by the plan, not by this.
    """

    kubeconfig: pulumi.Output[str]
    """Text of a kubeconfig that asks `aws eks get-token` for a token. Known once pods have hosts, DNS and disks."""
    context: pulumi.Output[str]
    """The cluster's context in it: the component's name."""
    cluster_name: pulumi.Output[str]
    """The cluster's name in AWS."""

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:EksCluster", name, {}, opts)
        self._name = name
        self._args = args
        self._own = pulumi.ResourceOptions(parent=self)
        location = args["location"]
        public, private = by_endpoint(args.get("authorized_cidrs", []))
        cluster = control_plane(
            name,
            location,
            [zone["private_subnet"] for zone in args["zones"]],
            service_cidr=args["service_cidr"],
            public_cidrs=public,
            version=args.get("kubernetes_version"),
            deletion_protection=args.get("deletion_protection", True),
            parent=self,
        )
        self.cluster_name = cluster.name
        group = cluster.vpc_config.apply(lambda config: config.cluster_security_group_id or "")
        lists = PeerLists(name, location, args["peers"], self._own)
        peer_rules(name, location, group, lists, args["ports"], self._own)
        callers = [
            *api_rules(name, location, group, private, self._own),
            *administrators(name, location, cluster, args.get("admin_arns", []), self._own),
        ]

        versions = args.get("addon_versions", {})
        network = network_addons(name, location, cluster, versions, args.get("mtu", PEERED_MTU), self)
        hosts = hosts_by_zone(
            name,
            location,
            cluster,
            {
                zone["name"]: (zone.get("routed_subnet", zone["private_subnet"]), zone["hosts"])
                for zone in args["zones"]
            },
            instance_type=args.get("instance_type", "m6i.2xlarge"),
            version=args.get("kubernetes_version"),
            waits_for=network,
            parent=self,
        )
        services = service_addons(
            name, location, cluster, versions, args["corefile"], [*network, *hosts.values()], self
        )
        targets: list[BalancerTargetsArgs] = [
            {"name": label, "autoscaling_group": made.resources.apply(autoscaling_group)}
            for label, made in hosts.items()
        ]
        balancers = [self._balancer(each, lists, group, targets) for each in args["balancers"]]

        # Hosts and add-ons give the cluster's name back as they were given it: known in a preview that replaces one.
        usable = [made.cluster_name for made in (*hosts.values(), *network, *services)]
        certificate = cluster.certificate_authority.apply(lambda authority: authority.data or "")
        self.kubeconfig = pulumi.Output.all(cluster.name, cluster.endpoint, certificate, *usable).apply(
            partial(_kubeconfig, name, location)
        )
        self.context = pulumi.Output.from_input(name)
        lost = args.get("lost", False)
        self._kubernetes = kubernetes_provider(
            f"{name}-kubernetes",
            name,
            self.kubeconfig,
            self.context,
            lost=lost,
            # They go after the objects that they let somebody delete.
            opts=pulumi.ResourceOptions(parent=self, depends_on=callers),
        )
        if not lost:
            _storage_class(name, self._kubernetes, self)
        self._storage_class = STORAGE_CLASS
        self._owns_dns_text = True
        self._place = Place(
            provider=self.get_provider("aws:eks/cluster:Cluster"),
            location=location,
            network=args["vpc_id"],
            cluster=cluster.name,
        )
        self._balancing = Balancing(
            by_node_port=True, waits_for=[made for balancer in balancers for made in balancer.serving]
        )
        self.register_outputs(
            {"kubeconfig": self.kubeconfig, "context": self.context, "cluster_name": self.cluster_name}
        )

    def _balancer(
        self,
        balancer: EksBalancerArgs,
        lists: PeerLists,
        group: pulumi.Output[str],
        targets: list[BalancerTargetsArgs],
    ) -> NetworkLoadBalancer:
        args = self._args
        calling = lists.of(sources(args["ports"], balancer["kind"]))
        return NetworkLoadBalancer(
            f"{self._name}-{balancer['name']}",
            {
                "location": args["location"],
                "vpc_id": args["vpc_id"],
                "addresses": [
                    {"subnet": zone["balancer_subnet"], "address": balancer["addresses"][zone["name"]]}
                    for zone in args["zones"]
                    if zone["name"] in balancer["addresses"]
                ],
                "ports": balancer["ports"],
                # Its own range beside its peers', for probes of every address from inside.
                "client_cidrs": args["client_cidrs"] if balancer["kind"] == SQL else [args["vpc_cidr"]],
                "client_prefix_lists": {calling.label: calling.id} if calling else {},
                "hosts_security_group": group,
                "targets": targets,
            },
            self._own,
        )


def _kubeconfig(name: str, location: str, made: list[str]) -> str:
    cluster, endpoint, certificate, *_ = made
    command = ["--region", location, "eks", "get-token", "--cluster-name", cluster, "--output", "json"]
    return exec_kubeconfig(name, endpoint, certificate, "aws", command)


def _storage_class(name: str, provider: k8s.Provider, parent: pulumi.Resource) -> None:
    """Volumes that outlive their claims, encrypted, made in the zone where the scheduler put the pod."""
    k8s.storage.v1.StorageClass(
        f"{name}-storage",
        metadata={"name": STORAGE_CLASS, "labels": {"app.kubernetes.io/part-of": "cockroachdb-multiregion"}},
        provisioner="ebs.csi.aws.com",
        parameters={"type": "gp3", "encrypted": "true"},
        reclaim_policy="Retain",
        volume_binding_mode="WaitForFirstConsumer",
        allow_volume_expansion=True,
        opts=pulumi.ResourceOptions(parent=parent, provider=provider),
    )
