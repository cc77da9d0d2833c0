"""The program in the real engine: a preview of nothing, up, drift, a lost region, a destroy that must be meant."""

import json

import pytest
import yaml

from lab.paths import PROJECT
from tests.conformance.cluster import Cluster
from tests.conformance.stack import Run
from tests.engine import regions
from tests.engine.program import Program, previewed, reviewed
from tests.engine.regions import Attendant

pytestmark = pytest.mark.engine

PRIVATE = "PRIVATE KEY"


def test_a_first_preview_needs_no_cluster_and_no_file(stack: Program) -> None:
    dev = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    config = {key.partition(":")[2]: value for key, value in dev.items()}
    for region in config["regions"]:
        region["kubeconfig"] = "nowhere/kubeconfig"
    stack.configure(config)
    preview = stack.preview()
    assert set(preview.steps.values()) == {"create"}
    assert len(preview.steps) > 100
    assert PRIVATE not in preview.text


def test_the_life_of_a_stack(stack: Program, world: dict[str, Cluster]) -> None:
    before = {name: regions.inventory(cluster) for name, cluster in world.items()}
    with Attendant(list(world.values())):
        _born(stack, world)
        _unchanged(stack, world)
        _reviews_an_upgrade(stack, world)
        _repairs_drift(stack, world)
        _refuses_to_destroy(stack, world)
    world["us-west1"].stop()
    with Attendant([world["us-east1"]]):
        _loses_a_region(stack, world)
        _destroys_when_told(stack, world)
    assert regions.inventory(world["us-east1"]) == before["us-east1"]
    assert regions.text(world["us-east1"], "coredns", "Corefile") == regions.COREFILE
    assert regions.text(world["us-east1"], "kube-dns", "stubDomains") == regions.STUB_DOMAINS


def _born(stack: Program, world: dict[str, Cluster]) -> None:
    stack.configure(regions.stack_file(stack.folder, world, {}))
    up = stack.up()
    corefile = regions.text(world["us-east1"], "coredns", "Corefile")
    assert corefile.startswith(regions.COREFILE)
    assert "us-west1.svc.cluster.local:53 {" in corefile
    assert "forward . 10.2.16.53 {" in corefile
    stub_domains = json.loads(regions.text(world["us-west1"], "kube-dns", "stubDomains"))
    assert stub_domains == {"corp.example": ["10.9.9.9"], "us-east1.svc.cluster.local": ["10.1.16.53"]}
    outputs = stack.outputs()
    assert outputs["dnsAddresses"] == {"us-east1": ["10.1.16.53"], "us-west1": ["10.2.16.53"]}
    assert PRIVATE in outputs["clientCertificates"]["app"]["privateKey"]
    for shown in (up.text, stack.state_text(), stack.pulumi("stack", "output", "--json").text):
        assert PRIVATE not in shown
    assert PRIVATE not in "".join(path.read_text() for path in (stack.folder / "state").rglob("*.json"))


def _unchanged(stack: Program, world: dict[str, Cluster]) -> None:
    assert set(stack.up(None, "--expect-no-changes").steps.values()) == {"same"}
    assert set(stack.refresh().steps.values()) == {"refresh"}
    assert set(stack.preview(None, "--expect-no-changes").steps.values()) == {"same"}


def _reviews_an_upgrade(stack: Program, world: dict[str, Cluster]) -> None:
    """A preview as reviewers read it: who restarts in which order, and nothing that was done is done again."""
    older = {"version": "v26.2.4", "resources": {"cpu": "2"}}
    stack.configure(regions.stack_file(stack.folder, world, {}, cockroachdb=older))
    code, text = reviewed(previewed(stack), "--markdown")
    assert code == 0, text
    assert "6 pods restart, nothing refused" in text
    image = "docker.io/cockroachdb/cockroach"
    why = f"containers[0].image: {image}:v26.2.5 → {image}:v26.2.4; containers[0].resources.requests.cpu: 4 → 2"
    assert f"1. us-east1 (3) → us-west1 (3): {why}" in text
    assert "cockroach init" not in text
    stack.configure(regions.stack_file(stack.folder, world, {}))


def _repairs_drift(stack: Program, world: dict[str, Cluster]) -> None:
    """Someone puts the vendor's Corefile back, with a new line of theirs."""
    theirs = regions.COREFILE + "# newer\n"
    regions.write(world["us-east1"], theirs)
    drifted = stack.preview(None, "--refresh", "--expect-no-changes", fails=True)
    assert _changed(drifted) == {"us-east1-stub-domains-forwards": "update"}
    repaired = stack.up(None, "--refresh")
    assert _changed(repaired) == {"us-east1-stub-domains-forwards": "update"}
    corefile = regions.text(world["us-east1"], "coredns", "Corefile")
    assert corefile.startswith(theirs)
    assert "forward . 10.2.16.53 {" in corefile
    regions.write(world["us-east1"], corefile.replace("# newer\n", ""))


def _refuses_to_destroy(stack: Program, world: dict[str, Cluster]) -> None:
    """Even without a preview to stop it, not one object is touched."""
    there = {name: regions.inventory(cluster) for name, cluster in world.items()}
    refused = stack.destroy(fails=True)
    assert "cannot be deleted" in refused.text
    assert "protected" in refused.text
    assert {name: regions.inventory(cluster) for name, cluster in world.items()} == there
    stack.configure(regions.stack_file(stack.folder, world, {"us-west1": "removed"}))
    assert "first use `state: draining`" in stack.up(fails=True).text
    assert {name: regions.inventory(cluster) for name, cluster in world.items()} == there
    stack.configure(regions.stack_file(stack.folder, world, {}))
    assert not _changed(stack.up())


def _loses_a_region(stack: Program, world: dict[str, Cluster]) -> None:
    """The API server is gone: whatever called it would fail."""
    stack.configure(regions.stack_file(stack.folder, world, {"us-west1": "lost"}))
    stack.up()
    kept = {name for name, made in stack.state().items() if "us-west1" in json.dumps(made.get("provider", "")) + name}
    assert kept == {
        "us-west1",
        "us-west1-kubernetes",
        "us-west1-guard",
        "us-west1-stub-domains",
        "us-west1-stub-domains-forwards",
    }
    assert "us-west1" not in regions.text(world["us-east1"], "coredns", "Corefile")
    assert not _changed(stack.up())


def _destroys_when_told(stack: Program, world: dict[str, Cluster]) -> None:
    stack.configure(regions.stack_file(stack.folder, world, {"us-west1": "lost"}, allowDataLoss=True))
    stack.up()
    stack.destroy()
    assert set(stack.state()) <= {"cockroachdb-multiregion-life"}


def _changed(run: Run) -> dict[str, str]:
    return {name: step for name, step in run.steps.items() if step not in ("same", "refresh")}
