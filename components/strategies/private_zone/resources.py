"""Strategy `private-zone`: where a region's pods become names of a zone, and its DNS is told who serves that zone."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ...database.secrets import encoded
from ...network.dns_forwards import DnsForwards
from ...plan.model import Platform, Settings
from ..connection import Connection, Offers, Site
from ..services import namespace_zone
from . import external_dns, rfc2136
from .cloud_zone import CloudZone
from .external_dns import KeeperArgs, WriterArgs
from .keeper import keeper, options
from .options import SECRET

KEEPERS: Mapping[Platform, str] = {Platform.GKE: "google", Platform.EKS: "route53"}
"""Platform -> the module that makes a region's zone in its cloud, which is imported only then."""


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
    answered: NotRequired[bool]
    """True: the network's own DNS, which the cluster's asks anyway, answers for the zone. Default false."""
    lost: NotRequired[bool]
    """True: the cluster is gone; no call is made to it. Default false."""


class PrivateZone(Connection):
    """A region's DNS asks the private zone's servers. Where the network's own DNS has the zone, it does so anyway."""

    addresses: pulumi.Output[list[str]]
    """Empty: no DNS of a region answers another."""

    def __init__(self, name: str, args: PrivateZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:PrivateZone", name, {}, opts)
        self.addresses = pulumi.Output.from_input(list[str]())
        if not args.get("owns_dns_text", False) and not args.get("answered", False):
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
    """Whose pods' names are written."""
    keeper: KeeperArgs
    """To whom."""
    tsig_secret: NotRequired[pulumi.Input[str]]
    """What updates are signed with, base64. Default: nothing, the keeper knows its writers by their accounts."""


class ZoneWriter(pulumi.ComponentResource):
    """A region's pods are published in the private zone: external-dns, what it may read and who it is."""

    def __init__(self, name: str, args: ZoneWriterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:ZoneWriter", name, {}, opts)
        writer, keeper = args["writer"], args["keeper"]
        namespace = writer["namespace"]
        child = pulumi.ResourceOptions(parent=self)
        here = k8s.meta.v1.ObjectMetaArgs(name=external_dns.NAME, namespace=namespace, labels=external_dns.labels())
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=external_dns.NAME,
                namespace=namespace,
                labels=external_dns.labels(),
                annotations=keeper.get("account_annotations"),
            ),
            opts=child,
        )
        role = k8s.rbac.v1.Role(f"{name}-reads", metadata=here, rules=external_dns.rules(), opts=child)
        binding = k8s.rbac.v1.RoleBinding(
            f"{name}-reads",
            metadata=here,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": external_dns.NAME},
            subjects=[{"kind": "ServiceAccount", "name": external_dns.NAME, "namespace": namespace}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, role]),
        )
        policy = k8s.networking.v1.NetworkPolicy(
            f"{name}-egress", metadata=here, spec=external_dns.egress_spec(keeper), opts=child
        )
        waits_for: list[pulumi.Resource] = [binding, policy]
        secret_hash = None
        if "tsig_secret" in args:
            secret_hash = fingerprint(args["tsig_secret"])
            data = {external_dns.SECRET_KEY: encoded(args["tsig_secret"])}
            waits_for.append(k8s.core.v1.Secret(f"{name}-tsig", metadata=here, data=data, opts=child))
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=here,
            spec=external_dns.deployment_spec(writer, keeper, secret_hash),
            opts=pulumi.ResourceOptions(parent=self, depends_on=waits_for),
        )
        self.register_outputs({})


def fingerprint(secret: pulumi.Input[str]) -> pulumi.Output[str]:
    """Ten hexadecimal digits that change with the secret, and that nobody finds it by: it has 128 bits or more."""
    hashed = pulumi.Output.secret(secret).apply(lambda text: hashlib.sha256(text.encode()).hexdigest()[:10])
    return pulumi.Output.unsecret(hashed)


def offer_stack(settings: Settings, sites: Sequence[Site], opts: pulumi.ResourceOptions) -> Mapping[str, CloudZone]:
    """Region -> its zone, where its cloud keeps it; empty where servers do."""
    where = keeper(settings)
    if where is None:
        return {}
    module = import_module(f".{KEEPERS[where]}", __package__)
    here = [site for site in sites if site.region.platform is where]
    return {site.region.name: module.zone(site, here, opts) for site in here}


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
        "answered": options(site.settings.strategy_options).servers is None,
        "lost": site.lost,
    }
    return PrivateZone(f"{region.name}-private-zone", args, opts)


def furnish_region(site: Site, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """What this strategy has in the namespace of a region's database."""
    name, found = f"{site.region.name}-private-zone", options(site.settings.strategy_options)
    writer: WriterArgs = {
        "namespace": site.here.namespace,
        "image": found.image,
        "part": site.here.dns_zone,
        "owner": f"{site.owner.replace('/', '.')}.{site.region.name}",
    }
    if found.servers is not None:
        servers = rfc2136.keeper_args(found.zone, found.servers)
        return [
            ZoneWriter(name, {"writer": writer, "keeper": servers, "tsig_secret": site.secrets.get(SECRET, "")}, opts)
        ]
    zones: Mapping[str, CloudZone] = site.common
    zone = zones[site.region.name]
    # A pod that starts before it may write does so later; one that starts before it is known as who it is never does.
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[zone]))
    return [ZoneWriter(name, {"writer": writer, "keeper": zone.keeper}, after)]
