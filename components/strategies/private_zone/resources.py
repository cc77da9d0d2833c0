"""Strategy `private-zone`: where a region's pods become names of a zone, and its DNS is told who serves that zone."""

import hashlib
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ...database.secrets import encoded
from ...network.dns_forwards import DnsForwards
from ..connection import Connection, Offers, Site
from ..services import namespace_zone
from . import external_dns
from .external_dns import WriterArgs
from .options import SECRET, PrivateZoneOptions


class PrivateZoneArgs(TypedDict):
    """One region's part of the wiring."""

    kubeconfig: pulumi.Input[str]
    """Path of the kubeconfig that reaches this region's cluster, relative to the project's folder, or its text."""
    context: pulumi.Input[str]
    """The cluster's context in it."""
    dns_kind: str
    """`kube-dns` or `coredns`: which server holds the forwards."""
    cluster_zone: str
    """The region's zone inside its own cluster, e.g. `us-east1.svc.cluster.local`: never forwarded."""
    forwards: dict[str, list[str]]
    """The private zone -> addresses of its servers."""
    owner: str
    """Marks our entries in the shared DNS configuration: `project/stack`."""
    owns_dns_text: NotRequired[bool]
    """True: the platform writes the cluster's whole DNS configuration, the forwards in it. Default false."""
    lost: NotRequired[bool]
    """True: the cluster is gone; no call is made to it. Default false."""


class PrivateZone(Connection):
    """A region's DNS asks the private zone's servers."""

    addresses: pulumi.Output[list[str]]
    """Empty: no DNS of a region answers another."""

    def __init__(self, name: str, args: PrivateZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:PrivateZone", name, {}, opts)
        self.addresses = pulumi.Output.from_input(list[str]())
        if not args.get("owns_dns_text", False):
            DnsForwards(
                f"{name}-forwards",
                {
                    "kubeconfig": args["kubeconfig"],
                    "context": args["context"],
                    "kind": args["dns_kind"],
                    "zone": args["cluster_zone"],
                    "owner": args["owner"],
                    "forwards": args["forwards"],
                    "lost": args.get("lost", False),
                },
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"addresses": self.addresses})


class ZoneWriterArgs(TypedDict):
    """What writes one region's names into the zone."""

    writer: WriterArgs
    """Whose pods' names go where."""
    tsig_secret: pulumi.Input[str]
    """What updates are signed with, base64."""


class ZoneWriter(pulumi.ComponentResource):
    """A region's pods are published in the private zone: external-dns, what it may read and what it signs with."""

    def __init__(self, name: str, args: ZoneWriterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:ZoneWriter", name, {}, opts)
        writer, secret = args["writer"], args["tsig_secret"]
        namespace = writer["namespace"]
        child = pulumi.ResourceOptions(parent=self)
        here = k8s.meta.v1.ObjectMetaArgs(name=external_dns.NAME, namespace=namespace, labels=external_dns.labels())
        account = k8s.core.v1.ServiceAccount(f"{name}-account", metadata=here, opts=child)
        role = k8s.rbac.v1.Role(f"{name}-reads", metadata=here, rules=external_dns.rules(), opts=child)
        binding = k8s.rbac.v1.RoleBinding(
            f"{name}-reads",
            metadata=here,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": external_dns.NAME},
            subjects=[{"kind": "ServiceAccount", "name": external_dns.NAME, "namespace": namespace}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, role]),
        )
        key = k8s.core.v1.Secret(
            f"{name}-tsig", metadata=here, data={external_dns.SECRET_KEY: encoded(secret)}, opts=child
        )
        policy = k8s.networking.v1.NetworkPolicy(
            f"{name}-egress", metadata=here, spec=external_dns.egress_spec(writer), opts=child
        )
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=here,
            spec=external_dns.deployment_spec(writer, {external_dns.SECRET_HASH: fingerprint(secret)}),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[binding, key, policy]),
        )
        self.register_outputs({})


def fingerprint(secret: pulumi.Input[str]) -> pulumi.Output[str]:
    """Ten hexadecimal digits that change with the secret, and that nobody finds it by: it has 128 bits or more."""
    hashed = pulumi.Output.secret(secret).apply(lambda text: hashlib.sha256(text.encode()).hexdigest()[:10])
    return pulumi.Output.unsecret(hashed)


def connect_region(site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> PrivateZone:
    """This strategy's resources in one region. `opts`: hold the region's provider."""
    region, here, cluster = site.region, site.here, site.cluster
    args: PrivateZoneArgs = {
        "kubeconfig": cluster.kubeconfig,
        "context": cluster.context,
        "dns_kind": region.dns_kind,
        "cluster_zone": namespace_zone(region),
        "forwards": {zone: list(addresses) for zone, addresses in here.forwards.items()},
        "owner": site.owner,
        "owns_dns_text": cluster.owns_dns_text,
        "lost": site.lost,
    }
    return PrivateZone(f"{region.name}-private-zone", args, opts)


def furnish_region(site: Site, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """What this strategy has in the namespace of a region's database."""
    args: ZoneWriterArgs = {"writer": _writer(site), "tsig_secret": site.secrets.get(SECRET, "")}
    return [ZoneWriter(f"{site.region.name}-private-zone", args, opts)]


def _writer(site: Site) -> WriterArgs:
    options = site.settings.strategy_options
    if not isinstance(options, PrivateZoneOptions) or options.servers is None:
        raise ValueError("private-zone has no servers (validation refuses that before)")
    servers = options.servers
    return {
        "namespace": site.here.namespace,
        "image": options.image,
        "zone": options.zone,
        "part": site.here.dns_zone,
        "owner": f"{site.owner.replace('/', '.')}.{site.region.name}",
        "server": servers.servers[0],
        "port": servers.port,
        "key_name": servers.key_name,
        "key_algorithm": servers.key_algorithm,
    }
