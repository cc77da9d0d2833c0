"""What a run asks of a region: the probe's input from the plan, and pods that a strict cluster admits."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.verify import world
from tests.unit.verify.world import CENTRAL, EAST, WEST
from verify import manifests

AIM = world.target()
REGION = AIM.region(EAST)


def probe_input() -> dict:
    return manifests.probe_input(AIM, REGION, "run1", 90, 40.0)


def pod(zone: str | None = "us-east1-a") -> dict:
    return manifests.pod(AIM, REGION, zone, 0, "run1", 90, "uid-1")


def test_every_node_of_every_region_is_probed() -> None:
    nodes = probe_input()["nodes"]
    assert [(node["region"], node["node"]) for node in nodes] == [
        (region, n) for region in world.REGIONS for n in range(3)
    ]
    ports = {"sql": 26257, "http": 8080}
    assert nodes[3] == {
        "region": CENTRAL,
        "node": 0,
        "name": world.node_name(CENTRAL, 0),
        "address": None,
        "ports": ports,
    }


def test_each_forward_s_address_is_probed_alone() -> None:
    servers = probe_input()["servers"]
    assert [(one["region"], one["address"]) for one in servers] == [
        (CENTRAL, "10.2.16.53"),
        (CENTRAL, "10.2.16.54"),
        (WEST, "10.3.16.53"),
        (WEST, "10.3.16.54"),
    ]
    assert servers[0]["zone"] == "us-central1.svc.cluster.local"
    assert servers[0]["name"] == world.node_name(CENTRAL, 0)


def test_the_servers_of_one_zone_for_all_regions_are_probed_for_each_of_them_and_for_the_own() -> None:
    inside = tuple(replace(region, dns_zone=f"{region.name}.crdb.internal") for region in AIM.regions)
    own = replace(inside[0], forwards={"crdb.internal": ("10.0.0.53",)})
    aim = replace(AIM, regions=(own, *inside[1:]))
    servers = manifests.probe_input(aim, own, "run1", 90, 40.0)["servers"]
    assert [(one["region"], one["zone"]) for one in servers] == [
        (name, f"{name}.crdb.internal") for name in (EAST, CENTRAL, WEST)
    ]
    assert own.servers_of(replace(own, dns_zone="a.mycrdb.internal")) == ()


def test_a_forward_to_a_region_that_is_left_out_is_not_probed() -> None:
    aim = world.target(regions=(EAST, CENTRAL))
    whole = world.target().region(EAST)
    assert {one["region"] for one in manifests.probe_input(aim, whole, "run1", 90, 40.0)["servers"]} == {CENTRAL}


def test_no_secret_is_in_the_config_map() -> None:
    body = manifests.config_map(REGION, "run1", probe_input(), "host:1:2", 1_800_000_000)
    assert set(body["data"]) == {
        "__init__.py",
        "certificates.py",
        "__main__.py",
        "dns.py",
        "peer.py",
        "wire.py",
        "input.json",
    }
    assert json.loads(body["data"]["input.json"]) == probe_input()
    assert "PRIVATE KEY" not in json.dumps(body)
    assert body["metadata"]["annotations"] == {
        "verify.cockroachdb-multiregion/owner": "host:1:2",
        "verify.cockroachdb-multiregion/expires": "1800000000",
    }


def test_a_pod_is_pinned_to_its_zone_bounded_and_owned() -> None:
    body = pod()
    assert body["spec"]["nodeSelector"] == {"topology.kubernetes.io/zone": "us-east1-a"}
    assert body["spec"]["activeDeadlineSeconds"] == 90
    assert body["spec"]["restartPolicy"] == "Never"
    assert body["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "cockroachdb-verify-run1", "uid": "uid-1"}
    ]
    assert body["metadata"]["labels"]["app.kubernetes.io/name"] == "cockroachdb-verify"
    assert "nodeSelector" not in pod(None)["spec"]


def test_a_pod_passes_the_restricted_standard() -> None:
    spec = pod()["spec"]
    container = spec["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["automountServiceAccountToken"] is False
    assert not any("hostPath" in volume for volume in spec["volumes"])


def test_every_mounted_file_is_in_the_config_map() -> None:
    volumes = {volume["name"]: volume for volume in pod()["spec"]["volumes"]}
    keys = {item["key"] for item in volumes["probe"]["configMap"]["items"]}
    assert keys == set(manifests.config_map(REGION, "run1", probe_input(), "o", 1)["data"])
    assert volumes["verifier"]["secret"]["secretName"] == "cockroachdb-client-verifier"


@pytest.mark.parametrize("path", sorted(Path(manifests.__file__).parent.glob("probe/*.py")), ids=lambda path: path.name)
def test_the_probe_imports_nothing_but_the_standard_library(path: Path) -> None:
    import ast
    import sys

    for node in ast.walk(ast.parse(path.read_text())):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module or ""]
        assert all(module.split(".")[0] in sys.stdlib_module_names for module in modules)
