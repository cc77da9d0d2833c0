"""What each component is given, as pure functions of settings and plan."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import NotRequired, TypedDict

import pulumi

from components.database.backup import BackupScheduleArgs
from components.database.certificates import (
    CertificateAuthority,
    CertificateAuthorityArgs,
    ClientCertificate,
    NodeCertificate,
)
from components.database.databases import DatabaseArgs, DatabasesArgs
from components.database.init import ClusterInitArgs
from components.database.names import HTTP_PORT, RPC_PORT
from components.database.region_args import CockroachRegionArgs, JoinBalancerArgs, NodeAddressArgs, NodeBalancerArgs
from components.database.region_authority import RegionAuthority
from components.database.restore import RestoredDatabaseArgs, job_name
from components.database.settings import KeyPairArgs, MemberArgs, node_args
from components.database.sql import FINALIZE
from components.plan.balancers import API_SERVERS, DNS, JOIN, NODE, SQL
from components.plan.defaults import DNS_PORT
from components.plan.model import (
    AddressPlan,
    BackupSettings,
    BalancerPlan,
    DatabaseSettings,
    NodePlan,
    RegionPlan,
    RegionSettings,
    RegionState,
    RestoredFrom,
    Settings,
)
from components.platforms import RegionalCluster
from components.platforms.balancing import Balancing
from components.strategies import strategy
from components.strategies.base import CertificateSource
from components.strategies.services import service_names

LIVE = (RegionState.ACTIVE, RegionState.DRAINING)
"""States of a region whose nodes run."""


def admin_region(settings: Settings) -> RegionSettings:
    """Where the SQL and decommission Jobs run, with root's key: the first active region.

    Raises ValueError where none is active (validation refuses that before).
    """
    for region in settings.regions:
        if region.state is RegionState.ACTIVE:
            return region
    raise ValueError("no region is active")


def init_region(settings: Settings) -> RegionSettings | None:
    """Where the cluster was born: the first region listed. None once that region is gone; it never moves."""
    first = settings.regions[0]
    return first if first.state in LIVE else None


def sql_users(settings: Settings) -> list[str]:
    """SQL users that the config names, each once, in its order: owners and further users of the databases."""
    return list(dict.fromkeys(user for database in settings.databases for user in (database.owner, *database.users)))


def live_cidrs(plan: AddressPlan) -> list[str]:
    """Pod and node ranges of every region whose nodes run: who asks another region's DNS, and who dials its nodes.

    On EKS the two are one.
    """
    ranges = (cidr for region in plan.regions if region.state in LIVE for cidr in (region.pod_cidr, region.node_cidr))
    return list(dict.fromkeys(map(str, ranges)))


def authority_args(settings: Settings) -> CertificateAuthorityArgs:
    """Args of the authority, and of the one beside it while leaves change over."""
    args: CertificateAuthorityArgs = {
        "protect": not settings.allow_data_loss,
        "generation": settings.certificates.authority,
    }
    if settings.certificates.beside is not None:
        args["beside"] = settings.certificates.beside
    return args


def client_cidrs(settings: Settings, plan: AddressPlan) -> list[str]:
    """Who may reach SQL: `cockroachdb.clientCidrs`, and what of the regions' own pods and hosts is not in them."""
    clients = settings.cockroachdb.client_cidrs
    own = [cidr for cidr in live_cidrs(plan) if not any(map(IPv4Network(cidr).subnet_of, clients))]
    return [*map(str, clients), *own]


def members(plan: AddressPlan, here: RegionPlan) -> list[MemberArgs]:
    """Every node of every active region, as `here` reaches it: the ones whose health a rollout waits for.

    Where the plan knows no addresses, the region's own nodes by their names in its cluster, and one of every other
    region's by its hosts, or by the load balancer that nodes join through.
    """
    found: list[MemberArgs] = []
    for region in plan.regions:
        if region.state is not RegionState.ACTIVE:
            continue
        kept = [ordinal for ordinal, node in enumerate(region.nodes) if not node.draining]
        if region.name != here.name and any(node.address is None for node in region.nodes):
            for first, *others in _ways_in(region):
                found.append({"region": region.name, "host": first, "nodes": len(region.nodes)})
                if others:
                    found[-1]["instead"] = others
        else:
            for ordinal in kept:
                node = region.nodes[ordinal]
                member: MemberArgs = {"region": region.name, "host": host(region, ordinal)}
                if node.port != RPC_PORT:
                    member["rpc_port"] = node.port
                if node.http_port != HTTP_PORT:
                    member["http_port"] = node.http_port
                found.append(member)
    return found


def _ways_in(region: RegionPlan) -> list[list[str]]:
    """Addresses, any of which leads to one of the region's nodes, whichever."""
    if region.hosts:
        return [list(region.hosts.values())]
    return [[balancer.addresses[0]] for balancer in region.balancers_of(JOIN)]


def host(region: RegionPlan, ordinal: int) -> str:
    """Planned address of a region's node, else its name inside its own cluster."""
    node = region.nodes[ordinal]
    return node.address or f"{node.name}.cockroachdb.{region.namespace}"


def first_host(region: RegionPlan) -> str:
    """The same of node 0."""
    return host(region, 0)


def http_ports(plan: AddressPlan) -> dict[str, int]:
    """Join list's entry -> where that node answers HTTP, for those that do so elsewhere than at CockroachDB's port."""
    return {
        node.advertised: node.http_port
        for region in plan.regions
        for node in region.nodes
        if node.advertised in plan.join_addresses and node.http_port != HTTP_PORT
    }


def init_args(settings: Settings, plan: AddressPlan, first: RegionPlan) -> ClusterInitArgs:
    """Args of the cluster's initialisation, in the region where it is born.

    On hosts of its own the node to initialise is the first host's, whichever it is: it is in the join list.
    """
    args: ClusterInitArgs = {
        "namespace": first.namespace,
        "host": next(iter(first.hosts.values()), first_host(first)),
        "node": node_args(settings.cockroachdb),
    }
    if first.nodes[0].port != RPC_PORT:
        args["port"] = first.nodes[0].port
    if consoles := http_ports(plan):
        args["http_ports"] = consoles
    if join := first.balancers_of(JOIN):
        args["join_host"] = join[0].addresses[0]
    return args


def approved(settings: Settings, region: RegionSettings) -> bool:
    """Whether the region's pods ask for certificates of their own."""
    return strategy(settings.strategy).pod_identity(region).certificate_source is CertificateSource.APPROVED


def address_cidr(settings: Settings, region: RegionSettings) -> IPv4Network:
    """Where the addresses of the region's pods are."""
    in_hosts = strategy(settings.strategy).pod_identity(region).host_network
    return region.node_cidr if in_hosts else region.pod_cidr


def common_names(region: RegionSettings, here: RegionPlan) -> list[str]:
    """What every node's certificate names beside the pod's own address: Services and load balancers."""
    join = (address for balancer in here.balancers_of(JOIN) for address in balancer.addresses)
    return [*service_names(region), *join]


def region_args(
    settings: Settings,
    plan: AddressPlan,
    region: RegionSettings,
    authority: CertificateAuthority,
    cluster: RegionalCluster,
    certificate: NodeCertificate | RegionAuthority,
    clients: Mapping[str, ClientCertificate],
) -> CockroachRegionArgs:
    """Args of one region's database. `clients`: certificates of the SQL users that Jobs and probes there need.

    `certificate`: the nodes', or what makes each node's.
    """
    balancing = cluster.balancing
    here = plan.region(region.name)
    (sql,) = here.balancers_of(SQL)
    identity = strategy(settings.strategy).pod_identity(region)
    node = node_args(settings.cockroachdb)
    if cluster.storage_class is not None and "storage_class" not in node:
        node["storage_class"] = cluster.storage_class
    args: CockroachRegionArgs = {
        "region": region.name,
        "namespace": here.namespace,
        "nodes": region.nodes,
        "zones": list(region.zones),
        "cluster_domain": region.cluster_domain,
        "host_network": identity.host_network,
        "own_services": identity.own_service,
        "namespace_labels": dict(identity.namespace_labels),
        "join_addresses": list(plan.join_addresses),
        "members": members(plan, here),
        "service_annotations": dict(strategy(settings.strategy).service_annotations(region)),
        "sql_address": here.sql_address,
        **_host_ports(sql, balancing),
        "load_balancer_annotations": dict(balancing.annotations),
        "client_cidrs": client_cidrs(settings, plan),
        "peer_cidrs": [*live_cidrs(plan), *_balancer_cidrs(plan)],
        "peer_ports": _peer_ports(plan),
        "gateway_namespaces": list(strategy(settings.strategy).gateway_namespaces(region)),
        "balancer_addresses": [
            address for other in plan.regions if other.state in LIVE for address in other.sql_addresses
        ],
        "node": node,
        "ca_certificate": authority.bundle,
        "client_certificates": {
            user: {"certificate": client.certificate, "private_key": client.private_key}
            for user, client in clients.items()
        },
    }
    pair: KeyPairArgs = {"certificate": certificate.certificate, "private_key": certificate.private_key}
    if isinstance(certificate, RegionAuthority):
        args["own_certificates"] = {"names": common_names(region, here), "authority": pair}
    else:
        args["node_certificate"] = pair
    if here.hosts:
        args["hosts"] = dict(here.hosts)
    elif identity.advertise_host is not None:
        args["advertise_host"] = identity.advertise_host
    else:
        args["addresses"] = {node.name: own for node in here.nodes if (own := _address(node)) is not None}
    if identity.app_protocol is not None:
        args["app_protocol"] = identity.app_protocol
    if balancing.load_balancer_class is not None:
        args["load_balancer_class"] = balancing.load_balancer_class
    for join in here.balancers_of(JOIN):
        args["join_balancer"] = _join_balancer(join, balancing)
    if own := here.balancers_of(NODE):
        args["node_balancers"] = [_node_balancer(each, balancing) for each in own]
    return args


def _address(node: NodePlan) -> NodeAddressArgs | None:
    if node.address is None:
        return None
    return {"host": node.address, "port": node.port, "http_port": node.http_port}


def _join_balancer(balancer: BalancerPlan, balancing: Balancing) -> JoinBalancerArgs:
    return {"address": balancer.addresses[0], **_host_ports(balancer, balancing)}


class _HostPorts(TypedDict):
    """Ports of every host that a load balancer needs to know; what is missing, the cluster chooses."""

    health_check_node_port: NotRequired[int]
    node_ports: NotRequired[dict[str, int]]


def _host_ports(balancer: BalancerPlan, balancing: Balancing) -> _HostPorts:
    ports: _HostPorts = {}
    if balancing.fixed_health_checks and balancer.health_check_node_port is not None:
        ports["health_check_node_port"] = balancer.health_check_node_port
    if balancing.by_node_port:
        ports["node_ports"] = {port.name: port.node_port for port in balancer.ports}
    return ports


def _node_balancer(balancer: BalancerPlan, balancing: Balancing) -> NodeBalancerArgs:
    return {"pod": balancer.pod or "", "address": balancer.addresses[0], **_host_ports(balancer, balancing)}


def _balancer_cidrs(plan: AddressPlan) -> list[str]:
    """Where nodes dial nodes by load balancers."""
    live = [region for region in plan.regions if region.state in LIVE]
    return [
        f"{address}/32"
        for region in live
        for each in region.balancers
        if each.kind not in (SQL, DNS)
        for address in each.addresses
    ]


def _peer_ports(plan: AddressPlan) -> list[list[int]]:
    """Where nodes dial nodes, beside CockroachDB's own ports and those of DNS, which every pod may ask."""
    own = {RPC_PORT, HTTP_PORT, DNS_PORT}
    tcp = [port for port in plan.ports if port.protocol == "TCP" and port.to != API_SERVERS]
    return [[port.first, port.last] for port in tcp if port.first != port.last or port.first not in own]


def databases_args(settings: Settings, admin: RegionPlan, license_key: pulumi.Input[str] | None) -> DatabasesArgs:
    """Args of the SQL that makes users, databases and cluster settings; run in `admin`. `license_key` is a secret."""
    args: DatabasesArgs = {
        "namespace": admin.namespace,
        "host": first_host(admin),
        "port": admin.nodes[0].port,
        "node": node_args(settings.cockroachdb),
        "databases": [_database_args(settings, database, admin) for database in settings.databases],
        "cluster_settings": {
            **settings.cockroachdb.cluster_settings,
            FINALIZE: str(settings.cockroachdb.finalize_upgrade).lower(),
        },
        "known_regions": [region.name for region in settings.regions],
    }
    if settings.cockroachdb.organization is not None:
        args["organization"] = settings.cockroachdb.organization
    if settings.backup is not None:
        args["backups"] = True
    if license_key is not None:
        args["license"] = license_key
    return args


def backup_args(settings: Settings, backup: BackupSettings, admin: RegionPlan) -> BackupScheduleArgs:
    """Args of the schedule of backups, which is made in `admin`."""
    args: BackupScheduleArgs = {
        "namespace": admin.namespace,
        "host": first_host(admin),
        "port": admin.nodes[0].port,
        "node": node_args(settings.cockroachdb),
        "uri": backup.uri,
        "schedule": backup.schedule,
        "revision_history": backup.revision_history,
    }
    if backup.incremental is not None:
        args["incremental"] = backup.incremental
    return args


def restore_args(
    settings: Settings, database: DatabaseSettings, source: RestoredFrom, admin: RegionPlan
) -> RestoredDatabaseArgs:
    """Args of a database's restore, which is told to `admin`."""
    args: RestoredDatabaseArgs = {
        "namespace": admin.namespace,
        "host": first_host(admin),
        "port": admin.nodes[0].port,
        "node": node_args(settings.cockroachdb),
        "database": database.name,
        "from_database": source.database,
        "uri": source.uri,
        "backup": source.backup,
    }
    if source.at is not None:
        args["at"] = source.at
    return args


def _database_args(settings: Settings, database: DatabaseSettings, admin: RegionPlan) -> DatabaseArgs:
    args: DatabaseArgs = {
        "name": database.name,
        "owner": database.owner,
        "users": list(database.users),
        "primary_region": database.primary_region,
        "regions": list(database.regions),
        "survive": str(database.survive),
    }
    if database.restored_from is not None:
        args["restored_by"] = job_name(restore_args(settings, database, database.restored_from, admin))
    return args
