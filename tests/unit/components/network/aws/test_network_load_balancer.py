"""Load balancers of the program's own: planned addresses, every host behind each, and only who may come."""

from typing import Any

import pytest
from pulumi.output import contains_unknowns

from components.network.aws.balancer import NetworkLoadBalancer, NetworkLoadBalancerArgs
from tests.unit.recording import Recording

from .mocks import EVERYWHERE, made, of

CLIENTS = ["10.1.128.0/17", "10.2.128.0/17"]


def balancer(name: str = "us-east-1-dns", *, preview: bool = False, **more: Any) -> Recording:
    args: dict[str, Any] = {
        "location": "us-east-1",
        "vpc_id": "vpc-1",
        "addresses": [
            {"subnet": "subnet-a", "address": "10.1.240.53"},
            {"subnet": "subnet-b", "address": "10.1.240.117"},
        ],
        "ports": [{"name": "dns", "protocol": "TCP_UDP", "port": 53, "node_port": 30053}],
        "client_cidrs": [*CLIENTS, CLIENTS[0]],
        "hosts_security_group": "sg-hosts",
        "targets": [{"name": "a", "autoscaling_group": "asg-a"}, {"name": "b", "autoscaling_group": "asg-b"}],
        **more,
    }
    given: NetworkLoadBalancerArgs = args  # pyright: ignore[reportAssignmentType]
    return made(lambda: NetworkLoadBalancer(name, given).addresses, preview=preview)


def rules(recording: Recording, direction: str) -> set[tuple[str, str, int, int, str]]:
    """Group, protocol, ports and the other side of every rule."""
    kind = f"vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule"
    return {
        (
            rule.inputs["securityGroupId"],
            rule.inputs["ipProtocol"],
            rule.inputs["fromPort"],
            rule.inputs["toPort"],
            rule.inputs.get("cidrIpv4") or rule.inputs.get("prefixListId") or rule.inputs["referencedSecurityGroupId"],
        )
        for rule in of(recording, kind).values()
    }


def test_a_preview_has_the_same_graph_as_an_update() -> None:
    recording, preview = balancer(), balancer(preview=True)
    assert recording.graph() == preview.graph()
    assert recording.result == ["10.1.240.53", "10.1.240.117"]
    assert not contains_unknowns(preview.result), "planned addresses are known beforehand"


def test_it_is_internal_at_the_planned_addresses_and_each_leads_to_every_zone() -> None:
    inputs = of(balancer(), "lb/loadBalancer:LoadBalancer")["us-east-1-dns"].inputs
    assert inputs["internal"] is True
    assert inputs["loadBalancerType"] == "network"
    assert inputs["enableCrossZoneLoadBalancing"] is True
    assert inputs["subnetMappings"] == [
        {"subnetId": "subnet-a", "privateIpv4Address": "10.1.240.53"},
        {"subnetId": "subnet-b", "privateIpv4Address": "10.1.240.117"},
    ]
    assert inputs["securityGroups"] == ["us-east-1-dns-id"]


def test_every_zones_hosts_are_behind_every_port() -> None:
    recording = balancer()
    target = of(recording, "lb/targetGroup:TargetGroup")["us-east-1-dns-dns"].inputs
    assert (target["protocol"], target["port"], target["targetType"]) == ("TCP_UDP", 30053, "instance")
    assert target["healthCheck"]["protocol"] == "TCP", "AWS has no check over UDP"
    listener = of(recording, "lb/listener:Listener")["us-east-1-dns-dns"].inputs
    assert (listener["protocol"], listener["port"]) == ("TCP_UDP", 53)
    assert listener["defaultActions"] == [{"type": "forward", "targetGroupArn": "arn:us-east-1-dns-dns"}]
    attached = of(recording, "autoscaling/attachment:Attachment").values()
    assert {(made.inputs["autoscalingGroupName"], made.inputs["lbTargetGroupArn"]) for made in attached} == {
        ("asg-a", "arn:us-east-1-dns-dns"),
        ("asg-b", "arn:us-east-1-dns-dns"),
    }


def test_clients_come_in_and_go_on_to_the_node_port_over_both_protocols() -> None:
    recording = balancer()
    own, hosts = "us-east-1-dns-id", "sg-hosts"
    assert rules(recording, "Ingress") == {
        *((own, protocol, 53, 53, cidr) for protocol in ("tcp", "udp") for cidr in CLIENTS),
        *((own, "icmp", 3, 4, cidr) for cidr in CLIENTS),
        *((hosts, protocol, 30053, 30053, own) for protocol in ("tcp", "udp")),
    }
    assert rules(recording, "Egress") == {(own, protocol, 30053, 30053, hosts) for protocol in ("tcp", "udp")}
    assert not [made for made in recording.resources if EVERYWHERE in made.plain_texts()]


def test_clients_may_be_named_by_prefix_lists() -> None:
    recording = balancer(client_prefix_lists={"peers": "pl-1"})
    own = "us-east-1-dns-id"
    named = {(own, "tcp", 53, 53, "pl-1"), (own, "udp", 53, 53, "pl-1"), (own, "icmp", 3, 4, "pl-1")}
    assert rules(recording, "Ingress") - rules(balancer(), "Ingress") == named


def test_a_pod_may_go_through_it_to_its_own_host_over_tcp() -> None:
    """With the client's address kept, a packet would come back to the host that it left: AWS drops it."""
    ports = [{"name": "grpc", "protocol": "TCP", "port": 26257, "node_port": 30257}]
    (target,) = of(balancer(ports=ports), "lb/targetGroup:TargetGroup").values()
    assert target.inputs["preserveClientIp"] == "false"
    (dns,) = of(balancer(), "lb/targetGroup:TargetGroup").values()
    assert "preserveClientIp" not in dns.inputs, "AWS keeps it for UDP, whatever one says"


@pytest.mark.parametrize("name", ["us-east-1-sql", "a-region-with-a-very-long-name-in-production-sql"])
def test_names_have_room_for_pulumis_suffix(name: str) -> None:
    recording = balancer(name, ports=[{"name": "grpc", "protocol": "TCP", "port": 26257, "node_port": 30257}])
    for kind in ("lb/loadBalancer:LoadBalancer", "lb/targetGroup:TargetGroup"):
        assert [len(made) + len("-1234567") <= 32 for made in of(recording, kind)] == [True]


def test_it_is_built_beside_the_cluster() -> None:
    recording = balancer()
    for kind in ("lb/loadBalancer:LoadBalancer", "lb/listener:Listener", "lb/targetGroup:TargetGroup"):
        for made_ in of(recording, kind).values():
            waits_for = {urn.rpartition("::")[2] for urn in recording.reaches(made_.urn)}
            assert not waits_for & {"us-east-1-dns-dns-a", "us-east-1-dns-dns-tcp-at-hosts"}
