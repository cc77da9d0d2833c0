"""What a stack asks for (`Settings`) and what follows from it (`AddressPlan`): plain values, no I/O, no pulumi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from .defaults import HTTP_PORT, SQL_PORT


class Platform(StrEnum):
    """Who runs a region's Kubernetes cluster."""

    EXISTING = "existing"
    GKE = "gke"
    EKS = "eks"


class RegionState(StrEnum):
    """A region's place in its life. Only `ACTIVE` and `DRAINING` regions have running nodes the program may touch."""

    ACTIVE = "active"
    DRAINING = "draining"
    LOST = "lost"
    REMOVED = "removed"


class DnsKind(StrEnum):
    """Which server answers cluster DNS, and so which ConfigMap holds its forwards."""

    KUBE_DNS = "kube-dns"
    COREDNS = "coredns"
    CLOUD_DNS = "cloud-dns"
    """Cloud DNS for GKE: no server in the cluster, and so no ConfigMap that a strategy could write."""


class GcpNetworkMode(StrEnum):
    """How regions of one GCP project are joined."""

    GLOBAL = "global"
    """One VPC, whose subnets route to each other in every region."""
    PEERED = "peered"
    """A VPC per region, every two of them peered."""


class NatGateways(StrEnum):
    """How many NAT gateways an AWS region has."""

    ONE = "one"
    PER_ZONE = "per-zone"


class SurvivalGoal(StrEnum):
    """What a database outlives (`ALTER DATABASE … SURVIVE … FAILURE`)."""

    ZONE = "zone"
    REGION = "region"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a config. `str()` is one line: `path: what was given; what would be right`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ConfigError(ValueError):
    """Every problem of a config at once."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class LoadBalancerSettings:
    """How a cluster's load balancers are asked for: `spec.loadBalancerClass` and Service annotations."""

    load_balancer_class: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegionSettings:
    """One entry of `regions`, with defaults applied. CIDRs never overlap another region's."""

    name: str
    platform: Platform
    location: str
    state: RegionState
    nodes: int
    """Those that leave included."""
    zones: tuple[str, ...]
    cidr: IPv4Network
    node_cidr: IPv4Network
    pod_cidr: IPv4Network
    service_cidr: IPv4Network
    dns_kind: DnsKind
    cluster_domain: str
    dns_addresses: tuple[IPv4Address, ...]
    dns_managed: bool
    """True: the program makes the DNS load balancer; False: `dnsAddresses` answer already."""
    sql_addresses: tuple[IPv4Address, ...]
    """Where SQL is taken: one, or one per zone where the platform's load balancers have an address in each (EKS)."""
    load_balancer: LoadBalancerSettings
    kubeconfig: str | None
    """Path of a kubeconfig file, relative to the project (platform `existing` only)."""
    context: str | None
    machine_type: str | None = None
    """On `gke`: the hosts', in place of `gcp.machineType`."""
    instance_type: str | None = None
    """On `eks`: the hosts', in place of `aws.instanceType`."""
    pods_routed: bool = True
    """Whether other regions reach its pods at their own addresses, as on every network that the program makes."""
    kubernetes_version: str | None = None
    """On `eks`, in place of `aws.kubernetesVersion`."""
    strategy_options: object = None
    """What the strategy's `region_options` read; its own type."""
    draining_nodes: int = 0
    """The last so many of `nodes` are decommissioned, but keep their pods."""

    @property
    def kept_nodes(self) -> int:
        """How many of its nodes stay."""
        return self.nodes - self.draining_nodes

    @property
    def sql_address(self) -> IPv4Address:
        """The address that clients are told."""
        return self.sql_addresses[0]


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """CPU and memory of one CockroachDB node, as Kubernetes quantities.

    Memory's request equals its limit; there is no CPU limit.
    """

    cpu: str
    memory: str


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """One node's volume: a Kubernetes quantity and a StorageClass name (None: the cluster's default)."""

    size: str
    storage_class: str | None


@dataclass(frozen=True, slots=True)
class CockroachSettings:
    """The `cockroachdb` config object, with defaults applied."""

    version: str
    """Tag form `vYY.R.P`."""
    image: str
    """Repository without tag."""
    tools_image: str
    """Full reference of the Python image that the preflight, rollout and probe scripts run in."""
    client_cidrs: tuple[IPv4Network, ...]
    """Who may reach SQL and the console, beside the regions' own pods and hosts."""
    cluster_name: str
    resources: ResourceSettings
    storage: StorageSettings
    cache: str
    max_sql_memory: str
    max_offset: str
    termination_grace_period_seconds: int
    cluster_settings: Mapping[str, str]
    extra_flags: tuple[str, ...]
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    """Variables of the database container, over the program's own such as GOMAXPROCS."""
    pod_spec: Mapping[str, Any]
    """Fields of the Kubernetes pod spec that say where pods run; each replaces the program's whole."""
    organization: str | None
    """The license's organization. The license itself is a secret and travels apart from the settings."""
    finalize_upgrade: bool = True
    """Whether the cluster takes a new release series' features, with no way back, once all nodes run it."""


@dataclass(frozen=True, slots=True)
class CertificatesSettings:
    """The `certificates` config object: which authority signs, and how often leaves were renewed on request."""

    authority: int = 1
    """Generation of the authority that signs. Each has a key of its own."""
    beside: int | None = None
    """Generation of another that is trusted, while leaves change from one to the other."""
    leaves: int = 1
    """Generation of the nodes' and users' keys and certificates."""

    @property
    def word(self) -> str:
        """As in the config: `2`, or `2+1` where 2 signs and 1 is trusted too."""
        return f"{self.authority}" if self.beside is None else f"{self.authority}+{self.beside}"


@dataclass(frozen=True, slots=True)
class RestoredFrom:
    """The backup that a database is made from."""

    database: str
    """Its name in the backup."""
    uri: str
    """Of the collection that the backup is in."""
    backup: str
    """`LATEST`, or a full backup as SHOW BACKUPS prints it: `2026/11/26-030000.00`."""
    at: str | None
    """A moment that the backup knows, in UTC; None: its end."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """One entry of `databases`: made by SQL, owned by a user that logs in with a client certificate."""

    name: str
    owner: str
    users: tuple[str, ...]
    """Further users, granted read and write; each gets a client certificate."""
    primary_region: str
    regions: tuple[str, ...]
    survive: SurvivalGoal
    restored_from: RestoredFrom | None = None
    """None: the database is made empty, or is there."""


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Where backups go, and when: a CockroachDB external storage URI and cron expressions."""

    uri: str
    schedule: str
    """Of full backups."""
    incremental: str | None
    """Of those between, each of what has changed since the one before; None: there are none."""
    revision_history: bool
    """Whether a restore can be to any moment, not only to a backup's."""


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """The `monitoring` config object: which objects are made in every region."""

    service_monitor: bool
    rules: bool
    """PrometheusRule objects; like ServiceMonitors, they need the CRDs of the Prometheus operator."""
    dashboards: bool
    """ConfigMaps that the sidecar of Grafana's chart looks for."""
    labels: Mapping[str, str]
    """Labels of all of them, by which the region's Prometheus selects its own."""


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """Other people's DNS entries, where the platform lets the program own the whole text."""

    extra_stub_domains: Mapping[str, tuple[str, ...]]
    extra_server_blocks: str


@dataclass(frozen=True, slots=True)
class GcpSettings:
    """The `gcp` config object: what all `gke` regions have in common."""

    project: str
    network: GcpNetworkMode
    release_channel: str
    """`RAPID`, `REGULAR`, `STABLE` or `EXTENDED`."""
    machine_type: str
    storage_type: str
    """Type of the nodes' persistent disks, such as `pd-ssd`."""
    authorized_cidrs: tuple[IPv4Network, ...]
    """Who may reach the API servers, by public endpoints only where one of them is a public range."""
    autopilot: bool
    deletion_protection: bool
    quotas: Mapping[str, int] = field(default_factory=dict)
    """Quotas that are not Google's defaults, by the names in `components.plan.quotas`."""


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """The `aws` config object: what all `eks` regions have in common."""

    nat_gateways: NatGateways
    instance_type: str
    kubernetes_version: str | None
    """Such as `1.36`; None: EKS's default at creation."""
    addon_versions: Mapping[str, str]
    """Version of add-ons by name. Others: EKS's default at their creation, which stays."""
    admin_arns: tuple[str, ...]
    """IAM principals that administer the clusters, beside the one that made them."""
    authorized_cidrs: tuple[IPv4Network, ...]
    """Who may reach the API servers, by public endpoints only where one of them is a public range."""
    transit_gateway_from: int
    """From this many `eks` regions on, Transit Gateways take the place of the peering mesh."""
    deletion_protection: bool
    quotas: Mapping[str, int] = field(default_factory=dict)
    """Quotas that are not Amazon's defaults, by the names in `components.plan.quotas`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole stack's validated config. Secrets (the license) are not here."""

    strategy: str
    network_cidr: IPv4Network
    regions: tuple[RegionSettings, ...]
    """As listed, removed and lost ones included: a region's place decides its addresses."""
    cockroachdb: CockroachSettings
    databases: tuple[DatabaseSettings, ...]
    dns: DnsSettings
    gcp: GcpSettings | None
    """None where no region is on `gke`."""
    aws: AwsSettings | None
    """None where no region is on `eks`."""
    backup: BackupSettings | None
    monitoring: MonitoringSettings
    allow_data_loss: bool
    certificates: CertificatesSettings = field(default_factory=CertificatesSettings)
    strategy_options: object = None
    """What the strategy's `stack_options` read; its own type."""


@dataclass(frozen=True, slots=True)
class BalancerPort:
    """One port of an internal load balancer."""

    name: str
    """The Service's word for it, such as `dns-tcp`."""
    protocol: str
    """`TCP` or `UDP`."""
    number: int
    """Where clients come."""
    node_port: int
    """Where every host takes it, if the load balancer is one of the program's own (EKS)."""


@dataclass(frozen=True, slots=True)
class BalancerPlan:
    """An internal load balancer of a region, with addresses that are reserved for it."""

    kind: str
    """`sql`, or a word of the strategy's: what `components.strategies.base.Port.to` names."""
    name: str
    """The kind, and a number where a region has several: part of resources' names."""
    addresses: tuple[str, ...]
    """Any of which will do: on EKS one per zone, where it is not one pod's; else one."""
    ports: tuple[BalancerPort, ...]
    pod: str | None = None
    """The one pod behind it, ready or not. None: what its kind says."""
    health_check_node_port: int | None = None
    """Where hosts are asked for their health, where only those with a pod take packets."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One CockroachDB node. `address` is None where only run time knows it."""

    name: str
    address: str | None
    port: int = SQL_PORT
    """Where it is reached at its address, for SQL and RPC."""
    http_port: int = HTTP_PORT
    draining: bool = False
    """Decommissioned, but its pod is there still."""

    @property
    def advertised(self) -> str | None:
        """`host:port`."""
        return None if self.address is None else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class PortPlan:
    """Ports that must be open from every region's `sources` to every other region's `to`: firewalls let it in."""

    name: str
    protocol: str
    """`TCP` or `UDP`."""
    first: int
    last: int
    sources: tuple[str, ...]
    """`pods`, `nodes` or both."""
    to: str
    """`pods`, `nodes`, `api-servers`, or the kind of load balancer that callers come by."""


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """What is fixed about one region before any resource exists."""

    name: str
    namespace: str
    platform: Platform
    state: RegionState
    cidr: IPv4Network
    node_cidr: IPv4Network
    pod_cidr: IPv4Network
    service_cidr: IPv4Network
    dns_zone: str
    balancers: tuple[BalancerPlan, ...]
    """Where other regions and clients call this one, SQL's included."""
    zones: tuple[str, ...]
    nodes: tuple[NodePlan, ...]
    forwards: Mapping[str, tuple[str, ...]]
    """Other regions' DNS zones and the addresses that answer for them; never its own."""
    certificate_names: tuple[str, ...] | None
    private_zone: str | None = None
    """Zone in a cloud's own DNS, shown to all of the stack's networks there, that has the nodes' names; None: none."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Kubernetes nodes that carry its nodes, one each, and where the one there is dialled; empty: any may carry one."""

    def balancers_of(self, kind: str) -> tuple[BalancerPlan, ...]:
        """Those of one kind."""
        return tuple(balancer for balancer in self.balancers if balancer.kind == kind)

    @property
    def dns_addresses(self) -> tuple[str, ...]:
        """Where this region's DNS answers the others; empty where the strategy asks nobody's."""
        return tuple(address for balancer in self.balancers_of("dns") for address in balancer.addresses)

    @property
    def sql_addresses(self) -> tuple[str, ...]:
        """Where the region takes SQL connections."""
        return tuple(address for balancer in self.balancers_of("sql") for address in balancer.addresses)

    @property
    def sql_address(self) -> str:
        """The address that clients are told."""
        return self.sql_addresses[0]


class LinkKind(StrEnum):
    """What joins two networks."""

    PEERING = "peering"
    TRANSIT_GATEWAY = "transit-gateway"
    VPN = "vpn"


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """A VPC that the program makes."""

    name: str
    platform: Platform
    regions: tuple[str, ...]
    """Whose clusters are in it."""


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """What joins the networks of two regions."""

    kind: LinkKind
    regions: tuple[str, str]
    """In each of which it has an end: of a VPN the first on `gke`, the second on `eks`."""


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """The plan as data: the `topology` output, and what `python -m stacks.plan --json` prints."""

    strategy: str
    regions: tuple[RegionPlan, ...]
    join_addresses: tuple[str, ...]
    """`host:port`, the same list in every region."""
    ports: tuple[PortPlan, ...] = ()
    """What regions call in each other; SQL's load balancers, which clients call, are not among it."""
    networks: tuple[NetworkPlan, ...] = ()
    links: tuple[LinkPlan, ...] = ()

    def callers(self, to: str) -> tuple[str, ...]:
        """What of every other region calls that of a region: `pods`, `nodes`, both or neither."""
        return tuple(dict.fromkeys(source for port in self.ports if port.to == to for source in port.sources))

    def region(self, name: str) -> RegionPlan:
        """The region called `name`. Raises KeyError."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """The documented object, camelCase keys, JSON types only (see docs/outputs.md)."""
        return {
            "strategy": self.strategy,
            "regions": [_region_json(region) for region in self.regions],
            "joinAddresses": list(self.join_addresses),
            "ports": [
                {
                    "name": port.name,
                    "protocol": port.protocol,
                    "first": port.first,
                    "last": port.last,
                    "sources": list(port.sources),
                    "to": port.to,
                }
                for port in self.ports
            ],
            "networks": [
                {"name": network.name, "platform": str(network.platform), "regions": list(network.regions)}
                for network in self.networks
            ],
            "links": [{"kind": str(link.kind), "regions": list(link.regions)} for link in self.links],
        }


def _region_json(region: RegionPlan) -> dict[str, Any]:
    return {
        "name": region.name,
        "namespace": region.namespace,
        "platform": str(region.platform),
        "state": str(region.state),
        "cidr": str(region.cidr),
        "nodeCidr": str(region.node_cidr),
        "podCidr": str(region.pod_cidr),
        "serviceCidr": str(region.service_cidr),
        "dnsZone": region.dns_zone,
        "dnsAddresses": list(region.dns_addresses),
        "sqlAddress": region.sql_address,
        "sqlAddresses": list(region.sql_addresses),
        "balancers": [
            {"kind": balancer.kind, "name": balancer.name, "addresses": list(balancer.addresses)}
            for balancer in region.balancers
        ],
        "zones": list(region.zones),
        "drainingNodes": sum(node.draining for node in region.nodes),
        "nodes": [
            {"name": node.name, "address": node.address, "port": node.port, "httpPort": node.http_port}
            for node in region.nodes
        ],
        "hosts": dict(region.hosts),
        "forwards": {zone: list(addresses) for zone, addresses in region.forwards.items()},
        "privateZone": region.private_zone,
        "certificateNames": None if region.certificate_names is None else list(region.certificate_names),
    }
