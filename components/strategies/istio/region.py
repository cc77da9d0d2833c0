"""One region of the mesh: its control plane, what its pods' sidecars need, and what it knows the other regions by."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ..connection import Connection
from . import values
from .authority import MeshAuthority

HOST_NAMESPACE = "kube-system"
"""Of the CNI plugin, which runs on hosts with rights that the mesh's own namespace gives nobody."""
RELEASE_SECONDS = 600


class ChartArgs(TypedDict):
    """Where charts come from."""

    repository: str
    """URL of the Helm repository."""
    version: str
    """Of every chart."""
    retain: bool
    """Releases stay in the cluster when they leave the stack."""


class MeshRegionArgs(TypedDict):
    """One region's part of the mesh, as plain values but for credentials."""

    region: str
    """Its name: the cluster's, in the mesh."""
    namespace: pulumi.Input[str]
    """The mesh's namespace, once it is there."""
    charts: ChartArgs
    """Repository and version."""
    base: dict[str, Any]
    """Values of the chart of Istio's CRDs."""
    cni: dict[str, Any]
    """Values of the CNI plugin's chart."""
    istiod: dict[str, Any]
    """Values of the control plane's chart."""
    gateway: NotRequired[dict[str, Any]]
    """Values of the east-west gateway's chart. Default: none, every region is on one network."""
    gateway_address: NotRequired[str]
    """Planned address of the gateway's load balancer, which the other regions' control planes know beforehand."""
    gateway_zone: NotRequired[str]
    """Zone of the names that the gateway leads to."""
    client_cidrs: list[str]
    """Who may call the gateway: pods and hosts of the regions."""
    load_balancer_class: NotRequired[str]
    """`spec.loadBalancerClass` of the gateway's load balancer. Default: the cluster's own."""
    load_balancer_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the gateway's Service."""
    root_certificate: pulumi.Input[str]
    """The mesh's root, PEM."""
    root_private_key: pulumi.Input[str]
    """PEM, a secret."""
    remotes: dict[str, pulumi.Input[str]]
    """Other region -> the kubeconfig that its reader gives, a secret."""


class MeshRegion(Connection):
    """A region's control plane, what its pods' sidecars need of it, and what it knows the other regions by."""

    addresses: pulumi.Output[list[str]]
    """Empty: no DNS of a region answers another."""

    def __init__(self, name: str, args: MeshRegionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:MeshRegion", name, {}, opts)
        self.addresses = pulumi.Output.from_input([])
        authority = MeshAuthority(
            f"{name}-authority",
            {
                "root_certificate": args["root_certificate"],
                "root_private_key": args["root_private_key"],
                "region": args["region"],
            },
            pulumi.ResourceOptions(parent=self),
        )
        own = k8s.core.v1.Secret(
            f"{name}-cacerts",
            metadata={"name": "cacerts", "namespace": args["namespace"]},
            string_data={
                "ca-cert.pem": authority.certificate,
                "ca-key.pem": authority.private_key,
                "root-cert.pem": args["root_certificate"],
                "cert-chain.pem": pulumi.Output.concat(authority.certificate, args["root_certificate"]),
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        base = self._release(f"{name}-base", args, "base", "istio-base", args["base"])
        cni = self._release(f"{name}-cni", args, "cni", "istio-cni", args["cni"], namespace=HOST_NAMESPACE)
        istiod = self._release(f"{name}-istiod", args, "istiod", "istiod", args["istiod"], after=[base, own])
        self._before_nodes = (cni, istiod)
        for remote, kubeconfig in args["remotes"].items():
            k8s.core.v1.Secret(
                f"{name}-remote-{remote}",
                metadata={
                    "name": f"istio-remote-secret-{remote}",
                    "namespace": args["namespace"],
                    "labels": {"istio/multiCluster": "true"},
                    "annotations": {"networking.istio.io/cluster": remote},
                },
                string_data={remote: pulumi.Output.secret(kubeconfig)},
                opts=pulumi.ResourceOptions(parent=self),
            )
        if "gateway" in args:
            gateway = self._release(f"{name}-gateway", args, "gateway", values.GATEWAY, args["gateway"], after=[istiod])
            self._east_west(name, args, gateway)
        self.register_outputs({"addresses": self.addresses})

    @property
    def before_nodes(self) -> Sequence[pulumi.Resource]:
        """What puts a sidecar beside each, and what sends the pods' packets through it."""
        return self._before_nodes

    def _release(
        self,
        name: str,
        args: MeshRegionArgs,
        chart: str,
        release: str,
        chart_values: Mapping[str, Any],
        *,
        namespace: str | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> k8s.helm.v3.Release:
        charts = args["charts"]
        return k8s.helm.v3.Release(
            name,
            name=release,
            chart=chart,
            version=charts["version"],
            repository_opts={"repo": charts["repository"]},
            namespace=args["namespace"] if namespace is None else namespace,
            values=dict(chart_values),
            timeout=RELEASE_SECONDS,
            # What failed to come up is taken back, so that the next `up` begins again.
            atomic=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after), retain_on_delete=charts["retain"]),
        )

    def _east_west(self, name: str, args: MeshRegionArgs, gateway: pulumi.Resource) -> None:
        """The gateway's load balancer, and what it lets through."""
        spec = values.gateway_service(
            args.get("gateway_address", ""), args["client_cidrs"], args.get("load_balancer_class")
        )
        k8s.core.v1.Service(
            f"{name}-gateway-balancer",
            metadata={
                "name": values.GATEWAY,
                "namespace": args["namespace"],
                "annotations": dict(args.get("load_balancer_annotations", {})),
            },
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
        )
        k8s.apiextensions.CustomResource(
            f"{name}-cross-network",
            api_version="networking.istio.io/v1",
            kind="Gateway",
            metadata={"name": "cross-network-gateway", "namespace": args["namespace"]},
            spec=values.gateway_spec(args.get("gateway_zone", "")),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
        )


class LostMeshRegion(Connection):
    """A region that is gone: it has no part in the mesh, and no call is made to its cluster."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:LostMeshRegion", name, {}, opts)
        self.addresses = pulumi.Output.from_input([])
        self.register_outputs({"addresses": self.addresses})
