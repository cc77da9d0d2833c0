"""The components as a provider for programs in any language: started by the engine, see PulumiPlugin.yaml."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pulumi
from pulumi.provider.experimental import component_provider_host

COMPONENTS = (
    "platforms.existing.ExistingCluster",
    "platforms.gke.GkeCluster",
    "platforms.eks.EksCluster",
    "network.gcp.network.GcpNetwork",
    "network.aws.network.AwsNetwork",
    "network.aws.region.AwsRegionNetwork",
    "network.aws.balancer.NetworkLoadBalancer",
    "network.vpn.cloud_vpn.CloudVpn",
    "network.dns_load_balancer.DnsLoadBalancer",
    "database.certificates.CertificateAuthority",
    "database.certificates.NodeCertificate",
    "database.certificates.ClientCertificate",
    "database.region.CockroachRegion",
    "database.region_authority.RegionAuthority",
    "database.signer.NodeSigner",
    "database.init.ClusterInit",
    "database.rollout.Rollout",
    "database.databases.Databases",
    "database.decommission.Decommission",
    "database.backup.BackupSchedule",
    "monitoring.resources.RegionMonitoring",
)
"""Module and class of each, under this package; those of strategies are in `COMPONENTS` of the strategy's package."""


CLOUD_SDKS = ("pulumi_gcp", "pulumi_aws")
"""Packages that need not be installed: the components of a cloud without its SDK are left out."""


def load() -> list[type[pulumi.ComponentResource]]:
    """The components' classes, imported as parts of their package: its modules import each other relatively."""
    folder = Path(__file__).resolve().parent
    sys.path.insert(0, str(folder.parent))
    found: list[type[pulumi.ComponentResource]] = []
    for path in (*COMPONENTS, *_of_strategies(folder.name)):
        module, _, name = path.rpartition(".")
        try:
            found.append(getattr(import_module(f"{folder.name}.{module}"), name))
        except ModuleNotFoundError as missing:
            if missing.name not in CLOUD_SDKS:
                raise
    return found


def _of_strategies(package: str) -> Iterator[str]:
    strategies = import_module(f"{package}.strategies")
    for name in strategies.AVAILABLE.values():
        own: tuple[str, ...] = getattr(import_module(f"{package}.strategies.{name}"), "COMPONENTS", ())
        yield from (f"strategies.{name}.{path}" for path in own)


if __name__ == "__main__":
    component_provider_host(load(), name="cockroachdb-multiregion", version="0.1.0")
