"""A graph is the same wherever it comes from, and references are followed by value where there is one."""

import json
from typing import Any

import pytest
from pulumi_policy import PolicyResource
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.graph import UNKNOWN, Graph, Resource
from policy.sources import from_analyzer, from_export, from_json, from_preview, plain

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
URN = "urn:pulumi:s::p::{}::{}"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def state(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": URN.format(kind, name), "type": kind, "custom": True, **more}


def vpc_of(graph: Graph) -> list[str]:
    (subnet,) = graph.of(SUBNET)
    return [vpc.name for vpc in graph.follow(subnet, "vpcId", VPC)]


def subnet_state(value: Any, came_from: str = "one") -> dict[str, Any]:
    return state(
        SUBNET, "s", inputs={"vpcId": value}, propertyDependencies={"vpcId": [URN.format(VPC, came_from)], "tags": []}
    )


@pytest.mark.parametrize(
    ("value", "leads_to"),
    [
        ("vpc-1", ["one"]),
        ("vpc-2", ["two"]),  # changed since: the value is believed, not where it came from
        ("vpc-3", []),
        (UNKNOWN_STRING_VALUE, ["one"]),
        ({**SECRET, "ciphertext": "v1:abc"}, ["one"]),
        ({**SECRET, "plaintext": '"vpc-2"'}, ["two"]),
        (None, []),
    ],
)
def test_a_reference_in_a_state(value: Any, leads_to: list[str]) -> None:
    resources = [state(VPC, "one", id="vpc-1"), state(VPC, "two", id="vpc-2"), subnet_state(value)]
    assert vpc_of(from_export({"deployment": {"resources": resources}})) == leads_to
    assert vpc_of(from_export({"deployment": {"resources": resources}}).without(URN.format(VPC, "one"))) == [
        name for name in leads_to if name != "one"
    ]


def test_a_preview_is_the_stack_as_it_will_be() -> None:
    steps = [
        {"op": "same", "newState": state(VPC, "one", inputs={}), "oldState": state(VPC, "one", id="vpc-1")},
        {"op": "create", "newState": subnet_state("vpc-1")},
        {"op": "delete", "oldState": state(VPC, "old", id="vpc-0"), "newState": None},
    ]
    graph = from_preview({"steps": steps})
    assert [each.name for each in graph] == ["one", "s"]
    assert vpc_of(graph) == ["one"]


def test_a_replaced_resource_has_no_id_yet() -> None:
    replaced = {
        "op": "replace",
        "newState": state(VPC, "one", inputs={"cidrBlock": "10.1.0.0/16"}),
        "oldState": state(VPC, "one", id="vpc-1", outputs={"arn": "arn:1"}),
    }
    graph = from_preview({"steps": [replaced, {"op": "update", "newState": subnet_state(UNKNOWN_STRING_VALUE)}]})
    assert vpc_of(graph) == ["one"]
    assert graph[URN.format(VPC, "one")].id is None


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        from_json({"something": "else"})


def policy_resource(
    kind: str, name: str, props: dict[str, Any], deps: dict[str, list[PolicyResource]]
) -> PolicyResource:
    class Options:
        protect = False

    options: Any = Options()
    return PolicyResource(
        kind, unknown_checking_proxy(props), URN.format(kind, name), name, options, None, None, [], deps
    )


def test_the_analyzers_unknown_values_are_followed() -> None:
    vpc = policy_resource(VPC, "one", {"id": UNKNOWN_STRING_VALUE, "tags": {"a": [1.0]}}, {})
    subnet = policy_resource(SUBNET, "s", {"vpcId": UNKNOWN_STRING_VALUE}, {"vpcId": [vpc]})
    graph = from_analyzer([vpc, subnet])
    assert vpc_of(graph) == ["one"]
    assert graph[vpc.urn].get("tags.a.0") == 1


def test_inputs_stand_in_for_outputs_that_a_preview_leaves_out() -> None:
    service = policy_resource("kubernetes:core/v1:Service", "dns", {}, {})
    graph = from_analyzer([service], {service.urn: plain(unknown_checking_proxy({"spec": {"type": "LoadBalancer"}}))})
    assert graph[service.urn].get("spec.type") == "LoadBalancer"


def test_values_on_a_path() -> None:
    there = Resource("u", "t", {"a": [{"b": 1}, {"b": [2, 3]}, {"c": 4}], "d": UNKNOWN, "e": {"f": "g"}})
    assert there.values("a.*.b") == [1, [2, 3]]
    assert there.get("a.1.b.0") == 2
    assert there.get("d.x.y") is UNKNOWN
    assert there.get("e.f") == "g"
    assert there.get("e.z", "default") == "default"
    assert json.dumps(there.texts("e.f")) == '["g"]'


def test_a_preview_without_what_stays_as_it_is_is_no_whole_stack() -> None:
    parent = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"
    urn = "urn:pulumi:dev::p::gcp:compute/network:Network::gcp"
    step = {
        "op": "update",
        "urn": urn,
        "newState": {"urn": urn, "type": "gcp:compute/network:Network", "parent": parent},
    }
    with pytest.raises(ValueError, match="--show-sames"):
        from_preview({"steps": [step]})
