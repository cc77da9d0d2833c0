"""Strategy `istio` declares what Istio itself would take: its CRDs, its charts, its names. No mesh is run here.

A real API server has the CRDs of the version that is installed by default, and refuses fields that it does not know.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.plan import plan
from components.strategies.istio import options, reader, values
from tests.conformance import istio_release
from tests.conformance.cluster import Cluster
from tests.unit.stacks.test_multiregion import NAMES, config, run

FLAT: dict[str, Any] = {}
APART = {"network": "net"}
"""Of a region's `strategyOptions`; the region's name is added, so that every region is a network of its own."""
RELEASE = "kubernetes:helm.sh/v3:Release"


def raw(region_options: Mapping[str, str]) -> dict[str, Any]:
    found = config(strategy="istio")
    for region in found["regions"]:
        region["strategyOptions"] = {key: f"{value}-{region['name']}" for key, value in region_options.items()}
        region["podsRouted"] = not region_options
    return found


def manifests(region_options: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Every object of the first region, as Kubernetes gets it. What charts hold is not among them."""
    for made in run(raw(region_options)).resources:
        kind = re.fullmatch(r"kubernetes:(.+):(\w+)", made.type)
        if kind and made.type != RELEASE and made.provider.split("::")[-2] == "us-east1-kubernetes":
            yield json.loads(json.dumps(made.inputs), parse_float=lambda text: int(float(text)))


def apply(cluster: Cluster, manifest: object, *more: str) -> str:
    words = ("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-")
    return cluster.kubectl(*words, *more, stdin=json.dumps(manifest))


@pytest.fixture(scope="module")
def mesh(cluster: Cluster) -> Cluster:
    """The API server, with Istio's CRDs and the namespaces that objects are in."""
    cluster.kubectl("apply", "--server-side", "-f", str(istio_release.crds()))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    for manifest in manifests(APART):
        if manifest["kind"] == "Namespace":
            apply(cluster, manifest)
    return cluster


@pytest.mark.parametrize("region_options", [FLAT, APART], ids=["flat", "apart"])
def test_an_api_server_with_istios_crds_takes_every_object(mesh: Cluster, region_options: Mapping[str, str]) -> None:
    kinds = set[str]()
    for manifest in manifests(region_options):
        apply(mesh, manifest, "--dry-run=server")
        kinds.add(manifest["kind"])
    assert {"PeerAuthentication", "ServiceAccount", "ClusterRole", "Secret", "NetworkPolicy", "StatefulSet"} <= kinds
    assert ("Gateway" in kinds) == (region_options is APART)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("PeerAuthentication", ("spec", "mtls", "modes"), "STRICT"),
        ("PeerAuthentication", ("spec", "mtls", "mode"), "STRICTER"),
        ("Gateway", ("spec", "server"), []),
        ("Gateway", ("spec", "selector"), "eastwestgateway"),
    ],
)
def test_and_refuses_what_the_crds_do_not_have(mesh: Cluster, kind: str, path: tuple[str, ...], value: object) -> None:
    manifest = next(each for each in manifests(APART) if each["kind"] == kind)
    place = manifest
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(subprocess.CalledProcessError) as refused:
        apply(mesh, manifest, "--dry-run=server")
    assert path[-1] in refused.value.stderr


def test_the_readers_role_reads_places_and_no_secrets(mesh: Cluster) -> None:
    for manifest in manifests(FLAT):
        if manifest["kind"] in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding") and (
            manifest["metadata"]["name"] == reader.READER
        ):
            apply(mesh, manifest)
    who = f"--as=system:serviceaccount:istio-system:{reader.READER}"

    def may(verb: str, what: str) -> bool:
        try:
            return mesh.kubectl("auth", "can-i", verb, what, who, "--all-namespaces").strip() == "yes"
        except subprocess.CalledProcessError as refused:
            assert refused.stdout.strip() == "no", refused.stderr
            return False

    assert all(may("watch", what) for what in ("pods", "services", "nodes", "namespaces", "endpointslices"))
    assert not any(may(verb, what) for verb in ("get", "list") for what in ("secrets", "configmaps"))
    assert not any(may(verb, "pods") for verb in ("create", "delete", "patch"))


def chart_values() -> dict[str, values.Values]:
    settings, _ = plan(raw(APART))
    region = settings.regions[0]
    return {
        "base": values.base_values(),
        "cni": values.cni_values(region),
        "istiod": values.istiod_values(settings, region),
        "gateway": values.gateway_values("net-us-east1"),
    }


ELSEWHERE: dict[tuple[str, ...], tuple[str, ...]] = {
    ("istiod", "global", "enableReaderRBAC"): ("istio-control/istio-discovery/templates/reader-clusterrole.yaml",),
}
"""Values that a chart reads without a default, and the template that does."""
FREE: set[tuple[str, ...]] = {
    ("istiod", "global", "meshNetworks"),
    ("istiod", "meshConfig"),
    ("istiod", "env"),
    ("gateway", "labels"),
}
"""Maps whose keys are not the chart's own."""


def unknown(name: str, given: Mapping[str, Any], known: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of values that a chart does not read."""
    for key, value in given.items():
        here = (*path, key)
        if (name, *here) in FREE or here[-1] == "seccompProfile":
            assert isinstance(known.get(key), dict), here
        elif (name, *here) in ELSEWHERE:
            for template in ELSEWHERE[(name, *here)]:
                assert key in istio_release.source("manifests", "charts", *template.split("/"))
        elif not isinstance(known, dict) or key not in known:
            yield here
        elif isinstance(value, Mapping):
            yield from unknown(name, value, known[key] or {}, here)


@pytest.mark.parametrize("name", istio_release.CHARTS)
def test_a_chart_knows_every_value(name: str) -> None:
    defaults = istio_release.defaults(name)
    given = chart_values()[name]
    if name == "gateway":
        defaults = {**defaults, "podDisruptionBudget": {"minAvailable": None}}
    assert list(unknown(name, given, defaults)) == []
    assert list(unknown(name, {**given, "autoScaleMin": 2}, defaults)) == [("autoScaleMin",)], "the check has teeth"


def test_istio_knows_the_names_that_are_only_texts_to_kubernetes() -> None:
    istiod = chart_values()["istiod"]
    features = istio_release.source("pilot", "pkg", "features", "pilot.go")
    assert all(f'"{name}"' in features for name in istiod["env"])
    agent = istio_release.source("pilot", "cmd", "pilot-agent", "options", "options.go")
    assert all(f'"{name}"' in agent for name in istiod["meshConfig"]["defaultConfig"]["proxyMetadata"])
    mesh = istio_release.mesh_source()
    for key in (*istiod["meshConfig"], *istiod["meshConfig"]["defaultConfig"]):
        assert re.search(rf"\b{re.sub('([A-Z])', lambda found: '_' + found[1].lower(), key)} = \d+", mesh), key
    secrets = istio_release.source("pkg", "kube", "multicluster", "secretcontroller.go")
    assert '"istio/multiCluster"' in secrets
    platforms = istio_release.chart("istiod").glob("files/profile-platform-*.yaml")
    assert {path.stem.removeprefix("profile-platform-") for path in platforms} == set(options.PLATFORMS)


def rendered(name: str, release: str, given: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """What Helm makes of a chart, CRDs left out."""
    file = folder / f"{name}.json"
    file.write_text(json.dumps(given))
    argv = [str(istio_release.helm()), "template", release, str(istio_release.chart(name))]
    argv += ["--namespace=istio-system", f"--values={file}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    documents = [each for each in yaml.safe_load_all(done.stdout) if each]
    return [each for each in documents if each["kind"] != "CustomResourceDefinition"]


@pytest.mark.long
def test_helm_renders_the_charts_to_what_an_api_server_takes(mesh: Cluster, tmp_path: Path) -> None:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, given in chart_values().items():
        for manifest in rendered(name, values.GATEWAY if name == "gateway" else name, given, tmp_path):
            apply(mesh, manifest, "--dry-run=server")
            found[manifest["kind"], manifest["metadata"]["name"]] = manifest
    labels = found["Deployment", values.GATEWAY]["spec"]["template"]["metadata"]["labels"]
    assert values.GATEWAY_LABELS.items() <= labels.items(), "the program's Service finds the chart's pods"
    assert ("Service", values.GATEWAY) not in found
    networks = yaml.safe_load(found["ConfigMap", "istio"]["data"]["meshNetworks"])["networks"]
    assert {name: each["gateways"] for name, each in networks.items()} == {
        f"net-{region}": [{"address": f"10.{n}.16.28", "port": 15443}] for n, region in enumerate(NAMES, 1)
    }
    roles = [each for (kind, _), each in found.items() if kind == "ClusterRole"]
    assert not [role for role in roles if "reader" in role["metadata"]["name"]]
