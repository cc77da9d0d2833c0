"""The `gcp` and `aws` objects: what all regions of one cloud have in common."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

from . import defaults
from .model import AwsSettings, GcpNetworkMode, GcpSettings, NatGateways, Platform, RegionSettings, RegionState
from .reader import Reader


def parse_gcp(reader: Reader, regions: Iterable[RegionSettings]) -> GcpSettings | None:
    """None where no region is on `gke`; the object is checked all the same."""
    used = _used(Platform.GKE, regions)
    settings = GcpSettings(
        project=reader.take(
            "project",
            "string",
            "gcp-project",
            default="",
            required="say which Google Cloud project the regions on gke are made in" if used else None,
        ),
        network=reader.take(
            "network",
            "string",
            "gcp-network",
            convert=GcpNetworkMode,
            default=GcpNetworkMode(defaults.GCP_NETWORK),
        ),
        release_channel=reader.take(
            "releaseChannel", "string", "release-channel", default=defaults.GCP_RELEASE_CHANNEL
        ),
        machine_type=reader.take("machineType", "string", "machine-type", default=defaults.GCP_MACHINE_TYPE),
        storage_type=reader.take("storageType", "string", "storage-type", default=defaults.GCP_STORAGE_TYPE),
        authorized_cidrs=reader.items("authorizedCidrs", "string", "authorized-cidr", convert=IPv4Network) or (),
        autopilot=reader.take("autopilot", "boolean", default=False),
        deletion_protection=reader.take("deletionProtection", "boolean", default=True),
        quotas=reader.pairs("quotas", ["gcp-quota"], ["integer", "positive"]),
    )
    reader.close()
    return settings if used else None


def parse_aws(reader: Reader, regions: Iterable[RegionSettings]) -> AwsSettings | None:
    """None where no region is on `eks`; the object is checked all the same."""
    settings = AwsSettings(
        nat_gateways=reader.take(
            "natGateways",
            "string",
            "nat-gateways",
            convert=NatGateways,
            default=NatGateways(defaults.AWS_NAT_GATEWAYS),
        ),
        instance_type=reader.take("instanceType", "string", "instance-type", default=defaults.AWS_INSTANCE_TYPE),
        kubernetes_version=reader.take("kubernetesVersion", "string", "kubernetes-version"),
        addon_versions=reader.pairs("addonVersions", ["addon"], ["string", "addon-version"]),
        admin_arns=reader.items("adminArns", "string", "principal") or (),
        authorized_cidrs=reader.items("authorizedCidrs", "string", "authorized-cidr", convert=IPv4Network) or (),
        transit_gateway_from=reader.take(
            "transitGatewayFrom", "integer", "transit-gateway-from", default=defaults.TRANSIT_GATEWAY_FROM
        ),
        deletion_protection=reader.take("deletionProtection", "boolean", default=True),
        quotas=reader.pairs("quotas", ["aws-quota"], ["integer", "positive"]),
    )
    reader.close()
    return settings if _used(Platform.EKS, regions) else None


def _used(platform: Platform, regions: Iterable[RegionSettings]) -> bool:
    return any(region.platform is platform and region.state is not RegionState.REMOVED for region in regions)
