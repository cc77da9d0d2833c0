"""What one region's share of the database is made from."""

from typing import NotRequired, TypedDict

import pulumi

from .settings import CockroachNodeArgs, KeyPairArgs, MemberArgs


class NodeBalancerArgs(TypedDict):
    """A load balancer in front of one pod, for the other nodes."""

    pod: str
    """Name of the pod; part of the Service's."""
    address: str
    """Planned address, at which the others dial it."""
    health_check_node_port: NotRequired[int]
    """Where it asks hosts whether they have the pod. Default: the cluster chooses."""
    node_ports: NotRequired[dict[str, int]]
    """As the region's own `node_ports`."""


class JoinBalancerArgs(TypedDict):
    """A load balancer in front of all nodes of the region, ready or not, for those that look for the cluster."""

    address: str
    """Planned address; one of the join list's."""
    health_check_node_port: NotRequired[int]
    """Where it asks hosts whether they have a node. Default: the cluster chooses."""
    node_ports: NotRequired[dict[str, int]]
    """As the region's own `node_ports`."""


class OwnCertificatesArgs(TypedDict):
    """Every pod asks for a certificate of its own, since only run time knows its address."""

    names: list[str]
    """DNS names and addresses that every node's certificate holds beside the pod's own address."""
    authority: KeyPairArgs
    """What the region's signer signs with."""


class NodeAddressArgs(TypedDict):
    """Where the others reach one node."""

    host: str
    """An address, or a name."""
    port: int
    """For SQL and RPC."""
    http_port: int
    """For HTTP."""


class CockroachRegionArgs(TypedDict):
    """A region, as plain values from the address plan."""

    region: str
    """Name of the region: `region=` of every node's locality."""
    namespace: str
    """Kubernetes namespace, unique over all regions."""
    nodes: int
    """CockroachDB nodes here."""
    zones: NotRequired[list[str]]
    """Zones that nodes may run in; any where missing."""
    cluster_domain: NotRequired[str]
    """The cluster's DNS domain; `cluster.local` where missing."""
    advertise_host: NotRequired[str]
    """Host that a node advertises; the pod's own DNS name where this and `addresses` are missing.

    Kubernetes expands $(POD_NAME), $(POD_IP) and $(HOST_IP).
    """
    addresses: NotRequired[dict[str, NodeAddressArgs]]
    """Pod -> what it advertises, each its own."""
    hosts: NotRequired[dict[str, str]]
    """Kubernetes node -> host that a pod there advertises. Pods run on these alone, one on each: as many as `nodes`."""
    host_network: NotRequired[bool]
    """Nodes use their host's network."""
    own_services: NotRequired[bool]
    """Each pod has a Service with a cluster address and the pod's name, ready or not. Default false."""
    app_protocol: NotRequired[str]
    """`appProtocol` of the Services' ports. Default: none."""
    namespace_labels: NotRequired[dict[str, str]]
    """Labels of the namespace beside the program's own."""
    join_addresses: list[str]
    """`host:port` of the nodes that others join through: the same list in every region."""
    members: list[MemberArgs]
    """Every node of every active region, for the health gate."""
    service_annotations: NotRequired[dict[str, str]]
    """Annotations of the headless Service, for what publishes the nodes' names elsewhere."""
    sql_address: str
    """Planned address of the SQL load balancer."""
    load_balancer_class: NotRequired[str]
    """`spec.loadBalancerClass` of the SQL load balancer."""
    load_balancer_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the SQL load balancer's Service."""
    health_check_node_port: NotRequired[int]
    """Where the SQL load balancer asks hosts whether they have a ready node. Default: the cluster chooses."""
    node_ports: NotRequired[dict[str, int]]
    """Ports of every host, `grpc` and `http`, that a load balancer made elsewhere sends to: `sql_address` is its."""
    node_balancers: NotRequired[list[NodeBalancerArgs]]
    """Load balancers of single pods. Default: none, nodes reach each other by themselves."""
    join_balancer: NotRequired[JoinBalancerArgs]
    """Where other nodes join. Default: none, `join_addresses` are nodes' own."""
    certificate_ends: NotRequired[dict[str, pulumi.Input[str]]]
    """SQL user -> when its client certificate ends, RFC 3339, for verification to tell. Default: none."""
    client_cidrs: list[str]
    """Who may reach SQL and the console."""
    peer_cidrs: list[str]
    """Where nodes of every live region are, this one included: ranges of pods and hosts, and their load balancers'."""
    peer_ports: NotRequired[list[list[int]]]
    """[first, last] port of each range in which nodes are dialled there, beside CockroachDB's own ports."""
    gateway_namespaces: NotRequired[list[str]]
    """Namespaces of this cluster whose pods nodes dial in the place of others. Default: none."""
    balancer_addresses: NotRequired[list[str]]
    """Every region's SQL load balancer addresses, which verification asks. Default: none are asked."""
    node: CockroachNodeArgs
    """What one node is."""
    ca_certificate: pulumi.Input[str]
    """PEM of the authorities that every node and client trusts."""
    node_certificate: NotRequired[KeyPairArgs]
    """The nodes' certificate; either this or `own_certificates`."""
    own_certificates: NotRequired[OwnCertificatesArgs]
    """How each node gets a certificate of its own."""
    client_certificates: dict[str, KeyPairArgs]
    """SQL users' certificates that Jobs and probes here need; `root` only where the cluster is initialised."""
