"""The worked examples of the clouds, seen as the graph of resources that the engine is told of."""

import subprocess
import sys
from typing import Any

import pytest
import yaml

from components.plan import plan
from components.plan.model import RegionState
from lab.paths import PROJECT
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from stacks.settings import raw_from_stack_file
from tests.unit.recording import Recording, record
from tests.unit.stacks.test_multiregion import given as given_of_kubernetes

STACKS = ("gke", "eks", "multicloud")
CLUSTERS = ("container/cluster:Cluster", "eks/cluster:Cluster")


def raw(stack: str) -> dict[str, Any]:
    return raw_from_stack_file(PROJECT / f"Pulumi.{stack}.yaml")


def given(args: Any) -> dict[str, Any]:
    """What the clouds would answer, as far as the program reads it."""
    if not args.typ.startswith(("gcp:", "aws:")):
        return dict(given_of_kubernetes(args))
    same = ("name", "arn", "email", "member", "selfLink")
    return {**{key: f"{key}-{args.name}" for key in same if key not in args.inputs}, **_own(args)}


def _own(args: Any) -> dict[str, Any]:
    match args.typ:
        case "gcp:container/cluster:Cluster":
            private = {**args.inputs["privateClusterConfig"], "privateEndpoint": f"private.{args.name}"}
            answer = {"endpoint": "192.0.2.1", "masterAuth": {"clusterCaCertificate": "Q0E="}}
            return {**answer, "privateClusterConfig": private}
        case "gcp:compute/haVpnGateway:HaVpnGateway":
            return {"vpnInterfaces": [{"id": n, "ipAddress": f"198.51.100.{n}"} for n in (0, 1)]}
        case "aws:eks/cluster:Cluster":
            return {
                "endpoint": "https://192.0.2.1",
                "certificateAuthority": {"data": "Q0E="},
                "vpcConfig": {**args.inputs["vpcConfig"], "clusterSecurityGroupId": f"sg-{args.name}"},
            }
        case "aws:eks/nodeGroup:NodeGroup":
            return {"resources": [{"autoscalingGroups": [{"name": f"asg-{args.name}"}]}]}
        case "aws:route53/zone:Zone":
            return {"zoneId": f"Z-{args.name}"}
        case "aws:ec2/vpnConnection:VpnConnection":
            return {f"tunnel{n}{key}": f"{n}" for n in (1, 2) for key in ("Address", "PresharedKey")}
        case _:
            return {}


def run(config: dict[str, Any], *, known: bool = True) -> Recording:
    settings, addresses = plan(config)
    return record(
        lambda: outputs(multi_region(settings, addresses, None)), given if known else lambda _: {}, preview=not known
    )


@pytest.fixture(scope="module", params=STACKS)
def recording(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Recording]:
    config = raw(request.param)
    return config, run(config)


@pytest.mark.parametrize("stack", STACKS)
def test_a_first_preview_shows_the_whole_graph(stack: str) -> None:
    assert run(raw(stack), known=False).graph() == run(raw(stack)).graph()


def names(config: dict[str, Any]) -> list[str]:
    return [region["name"] for region in config["regions"]]


def test_no_resource_of_a_region_waits_for_another_regions_cluster(recording: tuple[dict[str, Any], Recording]) -> None:
    """But what runs across regions: init, and what follows it."""
    config, made = recording
    clusters = {each.urn: each.name for kind in CLUSTERS for each in made.of(kind)}
    assert len(clusters) == len(config["regions"])
    (init,) = made.of(":ClusterInit")
    for each in made.resources:
        reached = made.reaches(each.urn)
        if each.urn == init.urn or init.urn in reached or each.parent == init.urn:
            continue
        waited = {name for urn, name in clusters.items() if urn in reached}
        assert len(waited) <= 1, (each.urn, waited)


def test_init_waits_for_every_way_between_regions(recording: tuple[dict[str, Any], Recording]) -> None:
    _, made = recording
    (init,) = made.of(":ClusterInit")
    reached = made.reaches(init.urn)
    ways = ("Accepter", "ec2/route:Route", "networkPeering:NetworkPeering", "routerPeer:RouterPeer", "Propagation")
    for way in ways:
        assert {each.urn for each in made.of(way)} <= reached, way


def test_a_guard_stands_before_all_of_a_regions_cloud_resources(recording: tuple[dict[str, Any], Recording]) -> None:
    config, made = recording
    for region in names(config):
        reached = made.reaches(made.named(":Stash", f"{region}-guard").urn)
        clusters = {each.urn for kind in CLUSTERS for each in made.of(kind)}
        assert clusters <= reached


def test_every_regional_cluster_has_its_own_kubernetes_provider(recording: tuple[dict[str, Any], Recording]) -> None:
    config, made = recording
    for region in names(config):
        provider = made.named("providers:kubernetes", f"{region}-kubernetes")
        assert provider.inputs["clusterIdentifier"] == region


def test_clusters_are_protected_from_deletion_until_data_may_be_lost() -> None:
    for stack in ("gke", "eks"):
        config = raw(stack)
        for lossy in (False, True):
            made = run({**config, "allowDataLoss": lossy})
            for kind in CLUSTERS:
                for cluster in made.of(kind):
                    assert cluster.inputs["deletionProtection"] is not lossy


def test_a_lost_region_keeps_its_cloud_resources_and_has_no_object() -> None:
    for stack, kind in (("gke", CLUSTERS[0]), ("eks", CLUSTERS[1])):
        config = raw(stack)
        config["regions"][2]["state"] = str(RegionState.LOST)
        lost = config["regions"][2]["name"]
        config["databases"] = []
        made = run(config)
        assert len(made.of(kind)) == 3
        objects = [
            each.urn
            for each in made.resources
            if each.type.startswith("kubernetes:") and f"::{lost}-kubernetes::" in each.provider
        ]
        assert objects == []


def test_only_the_clouds_in_use_are_imported() -> None:
    """In a process of its own: this one has imported both."""
    program = f"""
import sys
from pathlib import Path
from components.plan import plan
from stacks.multiregion import multi_region
from stacks.settings import raw_from_stack_file
from tests.unit.recording import record
settings, addresses = plan(raw_from_stack_file(Path({str(PROJECT)!r}) / sys.argv[1]))
record(lambda: multi_region(settings, addresses, None) and None, preview=True)
print(*sorted(name for name in ("pulumi_gcp", "pulumi_aws") if name in sys.modules))
"""
    for stack, wanted in (("dev", ""), ("gke", "pulumi_gcp"), ("eks", "pulumi_aws")):
        argv = [sys.executable, "-c", program, f"Pulumi.{stack}.yaml"]
        done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == wanted


def test_either_gateways_region_may_be_lost() -> None:
    made = run(raw("multicloud"))
    gateways = made.of("haVpnGateway:HaVpnGateway")
    assert [each.inputs["region"] for each in gateways] == ["us-central1", "us-east1"]
    assert len(made.of("vPNTunnel:VPNTunnel")) == len(gateways) * 2 * 4
    for router in made.of("compute/router:Router"):
        if "bgp" in router.inputs:
            told = {each["range"] for each in router.inputs["bgp"]["advertisedIpRanges"]}
            assert {"10.1.128.0/17", "10.3.128.0/17"} <= told


def test_an_eks_clusters_whole_dns_text_forwards_to_the_others_and_never_to_itself() -> None:
    made = run(raw("eks"))
    addons = {each.name: each for each in made.of("eks/addon:Addon") if each.inputs["addonName"] == "coredns"}
    assert len(addons) == 3
    for place, region in enumerate(("us-east-1", "us-east-2", "us-west-2"), 1):
        (addon,) = (each for name, each in addons.items() if name.startswith(f"{region}-"))
        corefile = yaml.safe_load(addon.inputs["configurationValues"])["corefile"]
        assert f"{region}.svc.cluster.local:53" not in corefile
        assert f"10.{place}.240.53" not in corefile
        assert corefile.count("forward . 10.") == 2
    assert not made.of("DnsForwards")
