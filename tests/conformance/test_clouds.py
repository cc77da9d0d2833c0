"""The gcp stand-in through the real engine and the real SDK: no machine behind it, only a cloud's state and answers."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conformance.environment import clouds_in
from tests.conformance.processes import command, descendants, until
from tests.conformance.stack import Stack

NETWORK = """
    import pulumi
    import pulumi_gcp as gcp

    cloud = gcp.Provider("gcp", project="my-project")
    opts = lambda **more: pulumi.ResourceOptions(provider=cloud, **more)
    api = gcp.projects.Service("compute", service="compute.googleapis.com", opts=opts())
    net = gcp.compute.Network("gcp", auto_create_subnetworks=False, mtu=1460, opts=opts(depends_on=[api]))
    def nodes(**inputs):
        given = {"ip_cidr_range": "10.1.0.0/20", "region": "us-east1", "network": net.id, **inputs}
        return gcp.compute.Subnetwork("nodes", opts=opts(), **given)
    """


@pytest.fixture
def stack(bare_stack: Stack, tmp_path: Path) -> Stack:
    """A stack whose programs have a project, a network and `nodes(…)`, a subnetwork, to begin with."""
    bare_stack.environment |= clouds_in(tmp_path)
    bare_stack.header = NETWORK
    return bare_stack


def clouds(stack: Stack) -> dict[str, dict[str, object]]:
    """What GCP has, by logical name."""
    file = Path(stack.environment["LAB_CLOUDS"]) / "gcp.json"
    records = json.loads(file.read_text())["records"] if file.exists() else {}
    return {record["name"]: record for record in records.values()}


def test_a_network_comes_changes_and_goes(stack: Stack) -> None:
    program = """
        sub = nodes()
        pulumi.export("link", net.self_link)
        pulumi.export("gateway", sub.gateway_address)
        pulumi.export("name", net.name)
        """
    assert stack.preview(program).steps == {"compute": "create", "gcp": "create", "nodes": "create"}
    assert clouds(stack) == {}
    stack.up()
    outputs = stack.outputs()
    assert outputs["name"].startswith("gcp-")
    assert outputs["link"].endswith(f"/projects/my-project/global/networks/{outputs['name']}")
    assert outputs["gateway"] == "10.1.0.1"
    assert stack.up().steps == {"compute": "same", "gcp": "same", "nodes": "same"}
    assert stack.refresh("--expect-no-changes").code == 0
    changed = stack.up("nodes(private_ip_google_access=True)")
    assert changed.steps["nodes"] == "update"
    assert changed.details("nodes") == {"privateIpGoogleAccess": "update"}
    moved = stack.preview('nodes(region="us-west1")')
    assert moved.steps["nodes"] == "replace"
    stack.destroy()
    assert clouds(stack) == {}


def test_a_misspelt_property_is_refused_at_preview(stack: Stack) -> None:
    run = stack.preview('nodes(secondary_ip_ranges=[{"rangeName": "pods", "cidr": "10.1.128.0/17"}])', fails=True)
    assert "secondaryIpRanges[0].cidr" in run.text
    assert "unknown property" in run.text


def test_what_the_cloud_refuses_fails_the_run_and_destroy_leaves_nothing(stack: Stack) -> None:
    program = """
        nodes()
        gcp.compute.Subnetwork("other", ip_cidr_range="10.1.0.0/24", region="us-west1", network=net.id, opts=opts())
        """
    run = stack.up(program, fails=True)
    assert "conflicts with" in run.text
    assert len({"nodes", "other"} & clouds(stack).keys()) == 1
    stack.destroy()
    assert clouds(stack) == {}


def test_a_resource_that_someone_deleted_is_made_again(stack: Stack) -> None:
    stack.up("nodes()")
    file = Path(stack.environment["LAB_CLOUDS"]) / "gcp.json"
    state = json.loads(file.read_text())
    state["records"] = {key: each for key, each in state["records"].items() if each["name"] != "nodes"}
    file.write_text(json.dumps(state))
    assert stack.refresh().steps["nodes"] == "refresh"
    assert stack.up().steps["nodes"] == "create"


def test_shared_secrets_are_no_plain_text_in_the_state(stack: Stack) -> None:
    program = """
        east = {"region": "us-east1"}
        gateway = gcp.compute.HaVpnGateway("gateway", network=net.id, opts=opts(), **east)
        router = gcp.compute.Router("router", network=net.id, bgp={"asn": 64512}, opts=opts(), **east)
        ends = [{"id": index, "ip_address": f"52.0.0.{index + 1}"} for index in range(4)]
        other = gcp.compute.ExternalVpnGateway(
            "other", redundancy_type="FOUR_IPS_REDUNDANCY", interfaces=ends, opts=opts(depends_on=[api]))
        tunnel = gcp.compute.VPNTunnel(
            "tunnel", vpn_gateway=gateway.id, vpn_gateway_interface=0, peer_external_gateway=other.id,
            peer_external_gateway_interface=0, router=router.id, shared_secret="correct horse", opts=opts(), **east)
        pulumi.export("addresses", gateway.vpn_interfaces.apply(lambda each: [one.ip_address for one in each]))
        """
    stack.up(program)
    assert "correct horse" not in stack.state_text()
    assert len(stack.outputs()["addresses"]) == 2


def begun(stack: Stack) -> subprocess.Popen[str]:
    """An update that is under way, at a real cloud's pace: it has a router to make."""
    stack.up("")
    stack.environment |= {"LAB_CLOUD_TIME": "1"}
    stack.program("gcp.compute.Router('router', network=net.id, region='us-east1', opts=opts())")
    process = stack.engine("up")
    until(lambda: "router" in clouds(stack))
    stack.environment |= {"LAB_CLOUD_TIME": "0"}
    return process


def test_what_is_interrupted_is_kept_to_be_deleted(stack: Stack) -> None:
    process = begun(stack)
    process.send_signal(signal.SIGINT)
    assert stack.finish(process, 60).code != 0
    stack.destroy()
    assert clouds(stack) == {}


def test_an_engine_that_is_killed_leaves_no_plugin(stack: Stack) -> None:
    process = begun(stack)
    plugins = [pid for pid in descendants(process.pid) if "lab.clouds" in command(pid)]
    assert plugins
    process.kill()
    until(lambda: not any(command(pid) for pid in plugins))
    stack.finish(process)
