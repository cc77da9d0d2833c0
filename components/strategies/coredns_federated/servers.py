"""A region's federated DNS servers, and its cluster's DNS that asks them."""

import base64
import hashlib
from collections.abc import Sequence
from typing import NotRequired, TypedDict
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from ...network.dns_forwards import DnsForwards
from ..connection import Connection
from . import manifests, names, texts
from .options import IMAGE
from .texts import Remote


class RemoteClusterArgs(TypedDict):
    """Another region's cluster."""

    region: str
    """Its name, which is its namespace."""
    zone: str
    """Its zone, such as `us-west1.svc.cluster.local`."""
    cluster_domain: str
    """Its cluster's domain."""
    server: pulumi.Input[str]
    """URL of its API server, as pods here reach it."""
    ca_certificate: pulumi.Input[str]
    """Authority of its API server, PEM."""
    token: pulumi.Input[str]
    """A credential that may list and watch Services, endpoint slices and namespaces there; a secret."""


class FederatedDnsArgs(TypedDict):
    """One region's part of the wiring."""

    kubeconfig: pulumi.Input[str]
    """Path of the kubeconfig that reaches this region's cluster, relative to the project's folder, or its text."""
    context: pulumi.Input[str]
    """The cluster's context in it."""
    dns_kind: str
    """`kube-dns` or `coredns`: which server holds the forwards."""
    dns_zone: str
    """This region's own zone: never forwarded."""
    forwards: dict[str, list[str]]
    """Every other region's zone -> `addresses`."""
    addresses: list[str]
    """Two of the cluster's Service range: of servers that know every region, and of any server."""
    remotes: list[RemoteClusterArgs]
    """The other regions."""
    owner: str
    """Marks our entries in the shared DNS configuration: `project/stack`."""
    namespace: NotRequired[pulumi.Input[str]]
    """Where the servers run, once it is there. Default `cockroachdb-federated-dns`."""
    generation: NotRequired[int]
    """Of the credentials: another one comes with other pods. Default 1."""
    image: NotRequired[str]
    """Default: CoreDNS's own release."""
    owns_dns_text: NotRequired[bool]
    """True: the platform writes the cluster's whole DNS configuration, the forwards in it. Default false."""
    lost: NotRequired[bool]
    """True: the cluster is gone; no call is made to it, and its objects leave the state. Default false."""


class FederatedDns(Connection):
    """A region's servers know the other regions' names from their API servers, and its cluster's DNS asks them.

    What is known of a cluster stays known while its API server is away. Servers are replaced only by those that know
    every region; one that was born without a region answers for the others by its own address.
    """

    addresses: pulumi.Output[list[str]]
    """None: no other region asks these servers."""

    def __init__(self, name: str, args: FederatedDnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:FederatedDns", name, {}, opts)
        lost = args.get("lost", False)
        if args["remotes"] and not lost:
            _servers(name, args, self)
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
        self.addresses = pulumi.Output.from_input([])
        self.register_outputs({"addresses": self.addresses})


def _servers(name: str, args: FederatedDnsArgs, parent: pulumi.Resource) -> None:
    remotes = args["remotes"]
    corefile = texts.corefile([Remote(each["region"], each["zone"], each["cluster_domain"]) for each in remotes])
    own = pulumi.ResourceOptions(parent=parent)

    def metadata(called: str) -> k8s.meta.v1.ObjectMetaArgsDict:
        return {
            "name": called,
            "namespace": args.get("namespace", names.NAMESPACE),
            "labels": names.labels(),
        }

    servers = pulumi.Output.all(*(each["server"] for each in remotes))
    k8s.networking.v1.NetworkPolicy(
        f"{name}-network-policy",
        metadata=metadata(names.SERVERS),
        spec=servers.apply(lambda urls: manifests.network_policy_spec([port(url) for url in urls if url])),
        opts=own,
    )
    account = k8s.core.v1.ServiceAccount(
        f"{name}-account", metadata=metadata(names.SERVERS), automount_service_account_token=False, opts=own
    )
    text = k8s.core.v1.ConfigMap(
        f"{name}-corefile", metadata=metadata(names.SERVERS), data={"Corefile": corefile}, opts=own
    )
    credentials = k8s.core.v1.Secret(
        f"{name}-clusters", metadata=metadata(names.CREDENTIALS), type="Opaque", data=_credentials(remotes), opts=own
    )
    k8s.policy.v1.PodDisruptionBudget(
        f"{name}-disruption-budget",
        metadata=metadata(names.SERVERS),
        spec={"max_unavailable": 1, "selector": {"match_labels": names.labels()}},
        opts=own,
    )
    known = pulumi.Output.all(servers, pulumi.Output.all(*(each["ca_certificate"] for each in remotes)))
    stamp = known.apply(lambda found: _stamp(corefile, args.get("generation", 1), found))
    running = k8s.apps.v1.Deployment(
        f"{name}-servers",
        metadata=metadata(names.SERVERS),
        spec=stamp.apply(lambda stamp: manifests.deployment_spec(args.get("image", IMAGE), stamp)),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[account, text, credentials]),
    )
    ready, anyone = args["addresses"]
    for called, address, any_server in ((names.SERVERS, ready, False), (names.ANY_SERVER, anyone, True)):
        k8s.core.v1.Service(
            f"{name}-service{'-any' if any_server else ''}",
            metadata=metadata(called),
            spec=manifests.service_spec(address, any_server=any_server),
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[running]),
        )


def port(url: str) -> int:
    """Of an API server's URL."""
    return urlsplit(url).port or 443


def _credentials(remotes: Sequence[RemoteClusterArgs]) -> dict[str, pulumi.Input[str]]:
    data: dict[str, pulumi.Input[str]] = {}
    for each in remotes:
        region = each["region"]
        kubeconfig = pulumi.Output.all(region, each["server"]).apply(lambda given: texts.kubeconfig(*given))
        data[texts.kubeconfig_file(region)] = kubeconfig.apply(_encoded)
        data[texts.authority_file(region)] = pulumi.Output.from_input(each["ca_certificate"]).apply(_encoded)
        data[texts.token_file(region)] = pulumi.Output.secret(each["token"]).apply(_encoded)
    return data


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _stamp(corefile: str, generation: int, known: list[list[str]]) -> str:
    """Of all that a server reads once. No secret is in it."""
    return hashlib.sha256(repr((corefile, generation, known)).encode()).hexdigest()[:16]
