"""The components as a provider for programs in any language: started by the engine, see PulumiPlugin.yaml."""

import sys
from importlib import import_module
from pathlib import Path

import pulumi
from pulumi.provider.experimental import component_provider_host

COMPONENTS = (
    "platforms.existing.ExistingCluster",
    "network.dns_load_balancer.DnsLoadBalancer",
    "strategies.stub_domains.resources.StubDomains",
    "database.certificates.CertificateAuthority",
    "database.certificates.NodeCertificate",
    "database.certificates.ClientCertificate",
    "database.region.CockroachRegion",
    "database.init.ClusterInit",
    "database.rollout.Rollout",
    "database.databases.Databases",
    "database.decommission.Decommission",
)
"""Module and class of each, under this package."""


def load() -> list[type[pulumi.ComponentResource]]:
    """The components' classes, imported as parts of their package: its modules import each other relatively."""
    folder = Path(__file__).resolve().parent
    sys.path.insert(0, str(folder.parent))
    pairs = (path.rpartition(".") for path in COMPONENTS)
    return [getattr(import_module(f"{folder.name}.{module}"), name) for module, _, name in pairs]


if __name__ == "__main__":
    component_provider_host(load(), name="cockroachdb-multiregion", version="0.1.0")
