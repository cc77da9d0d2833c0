"""Strategy `istio`: a control plane in every region, each of which watches every other region's API server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from ...plan.model import Settings
from ...plan.rules import RUNNING
from ..connection import Connection, Offers, Site
from . import values
from .authority import MeshRoot
from .options import of_region, of_stack
from .plan import GATEWAY
from .policies import MeshPolicies, MeshPoliciesArgs
from .reader import MeshReader, MeshReaderArgs
from .region import LostMeshRegion, MeshRegion, MeshRegionArgs


def offer_stack(settings: Settings, sites: Sequence[Site], opts: pulumi.ResourceOptions) -> MeshRoot:
    """What all sidecars of the mesh trust."""
    return MeshRoot("mesh-root", {"mesh_id": of_stack(settings).mesh_id, "protect": not settings.allow_data_loss}, opts)


def offer_region(site: Site, opts: pulumi.ResourceOptions) -> MeshReader:
    """The mesh's namespace, and what the other regions' control planes read the region with."""
    options = of_region(site.region)
    args: MeshReaderArgs = {
        "region": site.region.name,
        "kubeconfig": site.cluster.kubeconfig,
        "context": site.cluster.context,
        "credential": options.credential,
    }
    if options.api_server is not None:
        args["api_server"] = options.api_server
    if options.network is not None:
        args["network"] = options.network
    return MeshReader(f"{site.region.name}-mesh-reader", args, opts)


def connect_region(site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> Connection:
    """This strategy's resources in one region. `opts`: hold the region's provider."""
    name = f"{site.region.name}-mesh"
    if site.lost:
        return LostMeshRegion(name, opts)
    settings, region = site.settings, site.region
    options = of_stack(settings)
    root: MeshRoot = site.common
    readers: Mapping[str, MeshReader] = offers
    args: MeshRegionArgs = {
        "region": region.name,
        "namespace": readers[region.name].namespace,
        "charts": {"repository": options.repository, "version": options.version, "retain": options.retain},
        "base": values.base_values(),
        "cni": values.cni_values(region),
        "istiod": values.istiod_values(settings, region),
        "client_cidrs": site.client_cidrs,
        "load_balancer_annotations": dict(site.cluster.balancing.annotations),
        "root_certificate": root.certificate,
        "root_private_key": root.private_key,
        "remotes": {other: reader.kubeconfig for other, reader in readers.items() if other != region.name},
    }
    network = of_region(region).network
    for balancer in site.here.balancers_of(GATEWAY):
        args["gateway"] = values.gateway_values(network or "")
        args["gateway_address"] = balancer.addresses[0]
        args["gateway_zone"] = site.here.dns_zone
    if site.cluster.balancing.load_balancer_class is not None:
        args["load_balancer_class"] = site.cluster.balancing.load_balancer_class
    return MeshRegion(name, args, opts)


def furnish_region(site: Site, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The mesh's policies in the database's namespace."""
    gateways = [
        address
        for region in site.plan.regions
        if region.name != site.region.name and region.state in RUNNING
        for balancer in region.balancers_of(GATEWAY)
        for address in balancer.addresses
    ]
    args: MeshPoliciesArgs = {"namespace": site.here.namespace, "gateways": gateways}
    return [MeshPolicies(f"{site.region.name}-mesh-policies", args, opts)]
