"""The stack files of docs/existing.md: whole plans, and a first preview that says what those clusters need to hear."""

import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.plan import plan
from lab.paths import PROJECT
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from stacks.plan import main as plan_command
from stacks.settings import raw_from_stack_file
from tests.unit.recording import Recording, record
from tests.unit.stacks.test_multiregion import given

FILES = sorted((PROJECT / "examples" / "stacks").glob("Pulumi.*.yaml"))
INTERNAL = {
    "aks": {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"},
    "on-premises": {"metallb.io/address-pool": "cockroachdb"},
}
"""What a Service of type LoadBalancer has to say in such a cluster."""


@pytest.fixture(params=FILES, ids=lambda file: file.name.split(".")[1])
def file(request: pytest.FixtureRequest) -> Path:
    return request.param


def preview(file: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """As a first preview sees the stack; its kubeconfig files are not here."""
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")
    settings, addresses = plan(raw_from_stack_file(file))
    return record(lambda: outputs(multi_region(settings, addresses, None)), given, preview=True)


def test_there_is_one_for_each_kind() -> None:
    assert [file.name.split(".")[1] for file in FILES] == ["aks", "cilium", "on-premises"]


def test_the_plan_command_takes_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan_command([str(file)]) == 0, capsys.readouterr().err


def test_load_balancers_are_inside_and_at_planned_addresses(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    regions = plan(raw_from_stack_file(file))[1].regions
    services = [
        made.inputs for made in preview(file, monkeypatch).of(":Service") if made.inputs["spec"].get("loadBalancerIP")
    ]
    assert len(services) == 2 * len(regions), "one for SQL, one for DNS or to join by"
    for service in services:
        address = service["spec"]["loadBalancerIP"]
        inside = [region for region in regions if IPv4Address(address) in IPv4Network(region.cidr)]
        assert len(inside) == 1, address
        assert service["spec"]["loadBalancerSourceRanges"]
        wanted = INTERNAL.get(file.name.split(".")[1], {})
        assert wanted.items() <= service["metadata"].get("annotations", {}).items()
        if "cilium" in file.name:
            assert service["spec"]["loadBalancerClass"] == "io.cilium/bgp-control-plane"


def test_no_forward_is_written_where_the_cloud_puts_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    aks, own = (next(file for file in FILES if name in file.name) for name in ("aks", "on-premises"))
    assert preview(aks, monkeypatch).of(":DnsForwards") == []
    assert len(preview(own, monkeypatch).of(":DnsForwards")) == 3


def test_the_page_has_a_policy_for_what_the_programs_own_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """By identity instead of by range: the same ports, from and to the other regions."""
    page = (PROJECT / "docs" / "existing.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(apiVersion: cilium.*?)```", page, re.DOTALL)
    assert block
    policy: dict[str, Any] = yaml.safe_load(block[1])
    region = policy["metadata"]["namespace"]
    made = preview(next(file for file in FILES if "cilium" in file.name), monkeypatch)
    others = sorted({each.inputs["metadata"]["name"] for each in made.of(":Namespace")} - {region})
    assert policy["spec"]["endpointSelector"] == {}
    for rule in (*policy["spec"]["ingress"], *policy["spec"]["egress"]):
        (chosen,) = rule.get("fromEndpoints") or rule["toEndpoints"]
        assert {each["key"] for each in chosen["matchExpressions"]} == {
            "io.cilium.k8s.policy.cluster",
            "io.kubernetes.pod.namespace",
        }
        assert all(sorted(each["values"]) == others for each in chosen["matchExpressions"])
        opened = {int(each["port"]) for ports in rule["toPorts"] for each in ports["ports"]}
        own = [
            made_policy.inputs["spec"]
            for made_policy in made.of(":NetworkPolicy")
            if made_policy.inputs["metadata"]["namespace"] == region
        ]
        by_range = {
            each["port"]
            for spec in own
            for direction, end in (("ingress", "from"), ("egress", "to"))
            for let in spec.get(direction, [])
            if any("ipBlock" in peer and peer["ipBlock"]["cidr"] != "169.254.0.0/16" for peer in let.get(end, []))
            for each in let["ports"]
        }
        assert opened == by_range
