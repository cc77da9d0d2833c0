"""What strategy `istio` reads of the config's `strategyOptions`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from ...plan.model import RegionSettings, Settings
from ...plan.reader import Reader
from ...plan.rules import suggest, value_rule

VERSION = "1.31.4"
"""Of the charts. The newest patch of a release that had three months of patches when this was written."""
REPOSITORY = "https://istio-release.storage.googleapis.com/charts"
MESH_ID = "cockroachdb-multiregion"
CNI_BIN_DIR = "/opt/cni/bin"
CNI_CONF_DIR = "/etc/cni/net.d"

PLATFORMS = ("gke", "k3d", "k3s", "microk8s", "minikube", "openshift")
"""Whose ways the charts know (`global.platform`)."""
OLDEST = (1, 31)
"""The first release whose charts and control plane have what is set here: no reader of their own, no remote Secrets."""

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class IstioOptions:
    """The stack's."""

    version: str = VERSION
    """Of all charts: `1.31.4`."""
    repository: str = REPOSITORY
    """Of the charts: an URL."""
    mesh_id: str = MESH_ID
    retain: bool = False
    """The charts' releases stay in their clusters when they leave the stack."""


@dataclass(frozen=True, slots=True)
class IstioRegionOptions:
    """A region's."""

    network: str | None = None
    """Regions of one name reach each other's pods; others are reached by their east-west gateways. None: all do."""
    api_server: str | None = None
    """URL at which the other regions' control planes reach its API server. None: the kubeconfig's."""
    credential: int = 1
    """Number of the token that the others read this region with: another number is another token."""
    platform: str | None = None
    cni_bin_dir: str = CNI_BIN_DIR
    cni_conf_dir: str = CNI_CONF_DIR


def read_stack(reader: Reader) -> IstioOptions:
    """`strategyOptions` of the stack."""
    return IstioOptions(
        version=reader.take("version", "string", "istio-version", default=VERSION),
        repository=reader.take("repository", "string", "https-url", default=REPOSITORY),
        mesh_id=reader.take("meshId", "string", "dns-label", default=MESH_ID),
        retain=reader.take("retain", "boolean", default=False),
    )


def read_region(reader: Reader) -> IstioRegionOptions:
    """`strategyOptions` of a region."""
    return IstioRegionOptions(
        network=reader.take("network", "string", "dns-label"),
        api_server=reader.take("apiServer", "string", "https-url"),
        credential=reader.take("credential", "integer", "istio-credential", default=1),
        platform=reader.take("platform", "string", "istio-platform"),
        cni_bin_dir=reader.take("cniBinDir", "string", "absolute-path", default=CNI_BIN_DIR),
        cni_conf_dir=reader.take("cniConfDir", "string", "absolute-path", default=CNI_CONF_DIR),
    )


def of_stack(settings: Settings) -> IstioOptions:
    """The stack's options; the defaults where they were not read."""
    return cast("IstioOptions", settings.strategy_options or IstioOptions())


def of_region(region: RegionSettings) -> IstioRegionOptions:
    """A region's options; the defaults where they were not read."""
    return cast("IstioRegionOptions", region.strategy_options or IstioRegionOptions())


@value_rule("istio-version")
def _version(value: str) -> str | None:
    found = _VERSION.fullmatch(value)
    if not found:
        return f"is not the version of a chart; use the form 1.MINOR.PATCH, such as {VERSION}"
    if (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return f"is too old: before {oldest} control planes read each other region's Secrets; use {oldest} or newer"
    return None


@value_rule("https-url")
def _https_url(value: str) -> str | None:
    if re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", value):
        return None
    return "is not an https:// URL; use a form such as https://10.1.17.2:6443"


@value_rule("istio-credential")
def _credential(value: int) -> str | None:
    return None if 1 <= value <= 9999 else "is out of range; count from 1 to 9999"


@value_rule("istio-platform")
def _platform(value: str) -> str | None:
    return None if value in PLATFORMS else f"is no platform of Istio's charts; {suggest(value, PLATFORMS)}"


@value_rule("absolute-path")
def _absolute_path(value: Any) -> str | None:
    if re.fullmatch(r"(/[A-Za-z0-9._-]+)+", value):
        return None
    return "is not an absolute path; use a form such as /opt/cni/bin"
