"""Platform `gke`: a private regional Standard cluster of Google Kubernetes Engine."""

from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s

from ..network.gcp.region import PODS, SERVICES
from ..network.gcp.rules import NODE_TAG
from ..plan.authorized import by_endpoint
from ..plan.layout import hosts_per_zone
from . import RegionalCluster
from .balancing import Balancing
from .kubeconfig import exec_kubeconfig
from .kubernetes_provider import kubernetes_provider
from .place import Place

STORAGE_CLASS = "cockroachdb"

NODE_ROLE = "roles/container.defaultNodeServiceAccount"
"""What a host needs and no more: to write logs and metrics."""

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
"""The access scope that leaves the say to the service account's roles, as Google advises."""

SLOTS = 14
"""Maintenance windows of 12 hours in a week. GKE wants 48 hours in any 32 days: a weekly one can't be shorter."""

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class GkeClusterArgs(TypedDict):
    """Where the cluster is, what it stands on, and how large it is."""

    project: pulumi.Input[str]
    """The Google Cloud project."""
    location: str
    """The cloud's region, such as `us-east1`."""
    zones: list[str]
    """Zones that have hosts, such as `us-east1-b`."""
    nodes: int
    """CockroachDB nodes, one on each host. Every zone gets as many hosts as the fullest one needs."""
    network: pulumi.Input[str]
    """Id of the VPC."""
    nodes_subnet: pulumi.Input[str]
    """Id of the hosts' subnet, with secondary ranges `pods` and `services`."""
    balancers_subnet: pulumi.Input[str]
    """Name of the load balancers' subnet, which holds their reserved addresses."""
    control_plane_cidr: str
    """A /28 for the API servers' private endpoint."""
    authorized_cidrs: NotRequired[list[str]]
    """Who may reach the API server beside the cluster's own hosts and pods. It has a public endpoint only where one of
    them is a public range. Default: nobody."""
    release_channel: NotRequired[str]
    """`RAPID`, `REGULAR` (the default), `STABLE` or `EXTENDED`."""
    machine_type: NotRequired[str]
    """The hosts'. Default `n2-standard-8`."""
    storage_type: NotRequired[str]
    """Of the nodes' disks. Default `pd-ssd`."""
    maintenance_slot: NotRequired[int]
    """Which window of the week is this cluster's; 14 clusters with numbers of their own never upgrade together."""
    deletion_protection: NotRequired[bool]
    """True, the default: a deletion of the cluster fails."""
    cloud_dns: NotRequired[bool]
    """True: Cloud DNS answers names, from outside the cluster. Default false: kube-dns does."""
    network_domain: NotRequired[str]
    """With `cloud_dns`: the pods of headless Services have names in this domain too, for the whole VPC. Unique in it.
    Default: they have none."""
    lost: NotRequired[bool]
    """True: the cluster is out of reach. Its API server is never called again, its objects leave the state, and what
    the cloud has of it stays as it is. Default false."""


class GkeCluster(RegionalCluster):
    """A regional Standard cluster with private hosts, kube-dns behind NodeLocal DNSCache (or Cloud DNS), and its own
    node pool.

    Pods keep their addresses on the way out (no SNAT), Services of type LoadBalancer are internal, and their firewall
    rules are the program's alone. `opts.depends_on` should have what the cluster needs beside its subnet: APIs,
    firewall rules, NAT, reserved addresses (`GcpRegionNetwork.ready`).
    """

    kubeconfig: pulumi.Output[str]
    """Text of a kubeconfig that asks `gke-gcloud-auth-plugin` for a token. Known once there are hosts to run pods."""
    context: pulumi.Output[str]
    """The cluster's context in it: the component's name."""

    def __init__(self, name: str, args: GkeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:GkeCluster", name, {}, opts)
        account, role = _service_account(name, args, self)
        cluster = _cluster(name, args, account, self)
        pool = _node_pool(name, args, cluster, account, [role], self)
        certificate = pulumi.Output.unsecret(cluster.master_auth).apply(_ca_certificate)
        # The pool's id is asked for so that nobody holds a kubeconfig of a cluster without hosts.
        self.kubeconfig = pulumi.Output.all(cluster.endpoint, certificate, pool.id).apply(partial(_kubeconfig, name))
        self.context = pulumi.Output.from_input(name)
        # From inside the network, whether there is a public endpoint or not.
        self._api_server = cluster.private_cluster_config.apply(
            lambda private: f"https://{(private.private_endpoint if private else None) or ''}"
        )
        lost = args.get("lost", False)
        self._kubernetes = kubernetes_provider(
            f"{name}-kubernetes",
            name,
            self.kubeconfig,
            self.context,
            lost=lost,
            opts=pulumi.ResourceOptions(parent=self),
        )
        if not lost:
            _storage_class(name, args, self._kubernetes, self)
        self._storage_class = STORAGE_CLASS
        self._place = Place(
            provider=self.get_provider("gcp:container/cluster:Cluster"),
            location=args["location"],
            network=args["network"],
            cluster=cluster.name,
            project=args["project"],
            workload_pool=cluster.workload_identity_config.apply(lambda config: config.workload_pool or ""),
        )
        self._balancing = Balancing(
            annotations={
                "networking.gke.io/load-balancer-type": "Internal",
                "networking.gke.io/internal-load-balancer-allow-global-access": "true",
                "networking.gke.io/internal-load-balancer-subnet": pulumi.Output.from_input(args["balancers_subnet"]),
            },
            split_protocols=True,
            fixed_health_checks=True,
        )
        self.register_outputs({"kubeconfig": self.kubeconfig, "context": self.context})


def account_id(project: str, stack: str, region: str, use: str = "crdb") -> str:
    """Id of a region's service account, which is the project's and the same in every run: 6 to 30 of `[a-z0-9-]`.

    `use` tells a region's accounts apart; the default is the hosts'.
    """
    told_apart = sha256(f"{project}/{stack}/{region}".encode()).hexdigest()[:7]
    return f"{use}-{region[: 20 - len(use)].rstrip('-')}-{told_apart}"


def maintenance_window(slot: int) -> gcp.container.ClusterMaintenancePolicyRecurringWindowArgsDict:
    """Twelve hours of a week: Monday's first half for slot 0, its second for slot 1, and so on round the week."""
    day, half = divmod(slot % SLOTS, 2)
    start = MONDAY + timedelta(days=day, hours=12 * half)
    return {
        "start_time": _zulu(start),
        "end_time": _zulu(start + timedelta(hours=12)),
        "recurrence": f"FREQ=WEEKLY;BYDAY={DAYS[day]}",
    }


def _zulu(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _ca_certificate(master_auth: gcp.container.outputs.ClusterMasterAuth) -> str:
    if not master_auth.cluster_ca_certificate:
        raise RuntimeError("GKE gave no certificate authority of the cluster's API server")
    return master_auth.cluster_ca_certificate


def _kubeconfig(name: str, made: list[str]) -> str:
    endpoint, certificate, _ = made
    # The credentials that made the cluster, not those of whoever is logged in to gcloud beside.
    return exec_kubeconfig(
        name, endpoint, certificate, "gke-gcloud-auth-plugin", ["--use_application_default_credentials"]
    )


def _service_account(
    name: str, args: GkeClusterArgs, parent: pulumi.Resource
) -> tuple[gcp.serviceaccount.Account, gcp.projects.IAMMember]:
    """Whose rights the hosts have, in place of the project's default account, which may edit the whole project."""
    child = pulumi.ResourceOptions(parent=parent)
    account = gcp.serviceaccount.Account(
        f"{name}-nodes",
        account_id=account_id(pulumi.get_project(), pulumi.get_stack(), name),
        display_name=f"CockroachDB hosts in {name}",
        opts=child,
    )
    role = gcp.projects.IAMMember(
        f"{name}-nodes", project=args["project"], role=NODE_ROLE, member=account.member, opts=child
    )
    return account, role


def _cluster(
    name: str, args: GkeClusterArgs, account: gcp.serviceaccount.Account, parent: pulumi.Resource
) -> gcp.container.Cluster:
    public, private = by_endpoint(args.get("authorized_cidrs", []))
    return gcp.container.Cluster(
        f"{name}-cluster",
        location=args["location"],
        node_locations=args["zones"],
        network=args["network"],
        subnetwork=args["nodes_subnet"],
        networking_mode="VPC_NATIVE",
        ip_allocation_policy={"cluster_secondary_range_name": PODS, "services_secondary_range_name": SERVICES},
        datapath_provider="ADVANCED_DATAPATH",
        # Pods are dialled, and dial, by their own addresses: with SNAT peers outside RFC 1918 would see a host's.
        default_snat_status={"disabled": True},
        enable_l4_ilb_subsetting=True,
        # GKE's own rules for load balancers would be open to everyone who can route there.
        disable_l4_lb_firewall_reconciliation=True,
        private_cluster_config={
            "enable_private_nodes": True,
            "enable_private_endpoint": not public,
            "master_ipv4_cidr_block": args["control_plane_cidr"],
            "master_global_access_config": {"enabled": True},
        },
        master_authorized_networks_config={
            "cidr_blocks": [{"cidr_block": cidr} for cidr in (*public, *private)],
            "gcp_public_cidrs_access_enabled": False,
        },
        release_channel={"channel": args.get("release_channel", "REGULAR")},
        workload_identity_config={"workload_pool": pulumi.Output.concat(args["project"], ".svc.id.goog")},
        dns_config=dns_config(args),
        addons_config={
            # It asks stub domains' servers itself, over TCP and UDP. Cloud DNS has its own cache on every host, and
            # another one would only keep addresses of pods that are gone for longer.
            "dns_cache_config": {"enabled": not args.get("cloud_dns", False)},
            "gce_persistent_disk_csi_driver_config": {"enabled": True},
        },
        enable_shielded_nodes=True,
        maintenance_policy={"recurring_window": maintenance_window(args.get("maintenance_slot", 0))},
        remove_default_node_pool=True,
        initial_node_count=1,
        node_config={"service_account": account.email, "shielded_instance_config": {"enable_secure_boot": True}},
        deletion_protection=args.get("deletion_protection", True),
        opts=pulumi.ResourceOptions(
            parent=parent,
            # It is only for the pool that every cluster is born with, and is gone at once; read back, it is another's.
            ignore_changes=["nodeConfig"],
        ),
    )


def dns_config(args: GkeClusterArgs) -> gcp.container.ClusterDnsConfigArgsDict:
    """Stub domains need kube-dns. With Cloud DNS, Services keep their names in the cluster alone (`CLUSTER_SCOPE`)."""
    if not args.get("cloud_dns", False):
        return {"cluster_dns": "KUBE_DNS"}
    config: gcp.container.ClusterDnsConfigArgsDict = {"cluster_dns": "CLOUD_DNS", "cluster_dns_scope": "CLUSTER_SCOPE"}
    if "network_domain" in args:
        config["additive_vpc_scope_dns_domain"] = args["network_domain"]
    return config


def _node_pool(
    name: str,
    args: GkeClusterArgs,
    cluster: gcp.container.Cluster,
    account: gcp.serviceaccount.Account,
    waits_for: list[pulumi.Resource],
    parent: pulumi.Resource,
) -> gcp.container.NodePool:
    return gcp.container.NodePool(
        f"{name}-nodes",
        cluster=cluster.name,
        location=args["location"],
        node_locations=args["zones"],
        node_count=max(hosts_per_zone(args["nodes"], len(args["zones"]))),
        node_config={
            "machine_type": args.get("machine_type", "n2-standard-8"),
            "service_account": account.email,
            "oauth_scopes": [CLOUD_PLATFORM],
            "tags": [NODE_TAG],
            "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
            "workload_metadata_config": {"mode": "GKE_METADATA"},
            "metadata": {"disable-legacy-endpoints": "true"},
        },
        management={"auto_repair": True, "auto_upgrade": True},
        # A new host comes before an old one goes, one at a time.
        upgrade_settings={"max_surge": 1, "max_unavailable": 0},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=waits_for),
    )


def _storage_class(name: str, args: GkeClusterArgs, provider: k8s.Provider, parent: pulumi.Resource) -> None:
    """Disks that outlive their claims, made in the zone where the scheduler put the pod. Google encrypts every disk."""
    k8s.storage.v1.StorageClass(
        f"{name}-storage",
        metadata={"name": STORAGE_CLASS, "labels": {"app.kubernetes.io/part-of": "cockroachdb-multiregion"}},
        provisioner="pd.csi.storage.gke.io",
        parameters={"type": args.get("storage_type", "pd-ssd")},
        reclaim_policy="Retain",
        volume_binding_mode="WaitForFirstConsumer",
        allow_volume_expansion=True,
        opts=pulumi.ResourceOptions(parent=parent, provider=provider),
    )
