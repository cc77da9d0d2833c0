"""A stack file's plan as a target: who is expected to work, and how to reach them."""

from pathlib import Path

import pytest

from components.plan import plan
from verify import target
from verify.findings import Layer, Severity, finding

REGION = {"nodes": 3, "zones": ["z1"], "kubeconfig": "here/kubeconfig", "dns": {"kind": "coredns"}}


def build(**states: str) -> target.Target:
    regions = [{**REGION, "name": name, "context": f"ctx-{name}", "state": state} for name, state in states.items()]
    settings, made = plan({"platform": "existing", "regions": regions})
    return target.from_stack(settings, made, Path("/stack"))


def test_lost_and_removed_regions_are_left_out_and_draining_ones_are_marked() -> None:
    found = build(east="active", west="draining", south="lost", north="removed")
    assert [(region.name, region.draining) for region in found.regions] == [("east", False), ("west", True)]
    assert found.left_out == {"south": "lost", "north": "removed"}
    assert found.expected_nodes == 3


def test_addresses_come_from_the_plan() -> None:
    east = build(east="active", west="active").region("east")
    assert [node.pod for node in east.nodes] == ["cockroachdb-0", "cockroachdb-1", "cockroachdb-2"]
    assert east.nodes[1].name == "cockroachdb-1.cockroachdb.east.svc.cluster.local"
    assert (east.nodes[1].address, east.nodes[1].ordinal) == (None, 1)
    assert set(east.forwards) == {"west.svc.cluster.local"}
    assert east.kubeconfig == Path("/stack/here/kubeconfig")
    assert east.context == "ctx-east"


def test_a_fault_of_a_regions_own_servers_is_mended_in_that_region() -> None:
    listed = [{**REGION, "name": name, "context": name} for name in ("east", "west")]

    def said(strategy: str) -> str:
        settings, made = plan({"platform": "existing", "strategy": strategy, "regions": listed})
        aim = target.from_stack(settings, made, Path("/s"))
        return finding(aim, Severity.RED, Layer.DNS, "dns-dead", "east", "west", "10.1.32.53", "silent").fix

    assert "east's own servers of west's zone" in said("coredns-federated")
    assert "no DNS balancer address of west" in said("stub-domains")


def test_only_some_regions_may_be_chosen() -> None:
    settings, made = plan(
        {"platform": "existing", "regions": [{**REGION, "name": name, "context": name} for name in ("east", "west")]}
    )
    found = target.from_stack(settings, made, Path("/s"), only=("west",))
    assert [one.name for one in found.regions] == ["west"]
    assert found.unasked == {f"cockroachdb-{node}.cockroachdb.east.svc.cluster.local:26257" for node in range(3)}
    with pytest.raises(KeyError):
        target.from_stack(settings, made, Path("/s"), only=("mars",))


@pytest.mark.parametrize(("text", "value"), [("250ms", 250.0), ("0.5s", 500.0), ("1500us", 1.5)])
def test_durations(text: str, value: float) -> None:
    assert target.milliseconds(text) == value


def test_a_duration_of_no_known_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="5 minutes"):
        target.milliseconds("5 minutes")


def test_a_zone_of_eks_without_a_planned_node_has_no_host_to_ask_from() -> None:
    zones = ["us-east-2a", "us-east-2b", "us-east-2c"]
    regions = [
        {"name": "us-east-2", "platform": "eks", "nodes": 2, "zones": zones},
        {"name": "us-west-2", "platform": "eks", "nodes": 3, "zones": [f"us-west-2{letter}" for letter in "abc"]},
    ]
    settings, made = plan({"regions": regions})
    found = target.from_stack(settings, made, Path("/stack"), Path("/kubeconfig"))
    assert found.region("us-east-2").zones == ("us-east-2a", "us-east-2b")
    assert len(found.region("us-west-2").zones) == 3


def test_dns_that_nodes_need_no_more_is_asked_for_their_pods() -> None:
    """On the way from names to addresses, both are up and both are verified."""
    listed = [{**REGION, "name": name, "context": name} for name in ("east", "west")]
    settings, made = plan({"strategy": "stub-domains+load-balancer-per-node", "regions": listed})
    east = target.from_stack(settings, made, Path("/s")).region("east")
    assert east.nodes[0].name == "10.1.16.100"
    assert east.name_in_zone == "cockroachdb-0.cockroachdb.east.svc.cluster.local"
    assert build(east="active", west="active").region("east").name_in_zone == east.name_in_zone
