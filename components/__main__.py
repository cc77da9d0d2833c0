"""The components as a provider for programs in any language: started by the engine, see PulumiPlugin.yaml."""

import inspect
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pulumi
from pulumi.provider import main
from pulumi.provider.experimental.component import ComponentProvider

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
    "database.restore.RestoredDatabase",
    "database.databases.Databases",
    "database.decommission.Decommission",
    "database.trust.AuthorityCheck",
    "database.backup.BackupSchedule",
    "monitoring.resources.RegionMonitoring",
)
"""Module and class of each, under this package; those of strategies are in `COMPONENTS` of the strategy's package."""


PACKAGE = "cockroachdb_multiregion"
NAME = "cockroachdb-multiregion"
VERSION = "0.1.0"
"""Of the package that programs in other languages see; pyproject.toml's."""

CLOUD_SDKS = ("pulumi_gcp", "pulumi_aws")
"""Packages that need not be installed: the components of a cloud without its SDK are left out."""


def provider() -> ComponentProvider:
    """What serves the components. With the SDKs of both clouds installed its schema has all of them.

    Descriptions lose their docstrings' indentation, as newer Pythons drop it themselves. Go's SDK would not compile
    without its setting: its generator makes no types for lists of plain objects.
    """
    made = ComponentProvider(load(), NAME, version=VERSION)
    schema = _dedented(json.loads(made.schema or "{}"))
    schema["language"]["go"]["generateExtraInputTypes"] = True
    made.schema = json.dumps(schema)
    return made


def load() -> list[type[pulumi.ComponentResource]]:
    """The components' classes, as parts of the package that this module was imported from, else of the wheel's."""
    package = __package__ or _wheel()
    found: list[type[pulumi.ComponentResource]] = []
    for path in (*COMPONENTS, *_of_strategies(package)):
        module, _, name = path.rpartition(".")
        try:
            found.append(getattr(import_module(f"{package}.{module}"), name))
        except ModuleNotFoundError as missing:
            if missing.name not in CLOUD_SDKS:
                raise
    return found


def _wheel() -> str:
    """Name of this folder as a package when it is run as a program: what it is called where it is installed.

    Dynamic resources keep their code in the state by its module's name, and another process has to import it.
    """
    folder = Path(__file__).resolve().parent
    spec = spec_from_file_location(PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is no package")
    package = module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    return PACKAGE


def _of_strategies(package: str) -> Iterator[str]:
    strategies = import_module(f"{package}.strategies")
    for name in strategies.AVAILABLE.values():
        own: tuple[str, ...] = getattr(import_module(f"{package}.strategies.{name}"), "COMPONENTS", ())
        yield from (f"strategies.{name}.{path}" for path in own)


def _dedented(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: inspect.cleandoc(each) if key == "description" and isinstance(each, str) else _dedented(each)
            for key, each in value.items()
        }
    return [_dedented(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main(provider(), sys.argv[1:])
