"""What AWS's records let cross, and what a missing one takes away."""

from __future__ import annotations

import pytest

from lab.clouds.fabric import Balancer, Router, Rule
from lab.clouds.store import State
from tests.unit.lab.clouds.fabrics import add, aws, change, drop, made

PEERING = "aws:ec2/vpcPeeringConnection:VpcPeeringConnection"
ACCEPTER = "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
FAR = ("10.4.128.0/17",)


def router(state: State) -> Router:
    return made(None, state)["eks-3"]


def remote(state: State) -> dict[str, tuple[str, ...]]:
    """Source -> destinations elsewhere."""
    return {source: table.remote for table in router(state).tables for source in table.sources}


def test_every_subnet_is_routed_by_its_own_table() -> None:
    state = aws()
    subnets = ("10.3.128.0/20", "10.3.144.0/20", "10.3.240.0/26", "10.3.240.64/26")
    assert remote(state) == dict.fromkeys(subnets, FAR)
    drop(state, ROUTE, "r-30")
    assert remote(state)["10.3.128.0/20"] == remote(state)["10.3.240.0/26"] == ()
    assert remote(state)["10.3.144.0/20"] == FAR


def test_a_subnet_without_an_association_has_the_main_table() -> None:
    state = aws()
    drop(state, ASSOCIATION, "rtbassoc-31private")
    assert remote(state)["10.3.144.0/20"] == ()
    assert {table.name for table in router(state).tables} == {"rtb-30", "rtb-31", "rtb-3main"}


def test_a_wrong_table_is_found_out() -> None:
    state = aws()
    add(state, "aws:ec2/routeTable:RouteTable", "rtb-other", vpcId="vpc-3")
    change(state, ASSOCIATION, "rtbassoc-30private", routeTableId="rtb-other")
    assert remote(state)["10.3.128.0/20"] == ()


def test_a_peering_needs_both_sides() -> None:
    state = aws()
    drop(state, ACCEPTER, "pcx-1")
    assert set(remote(state).values()) == {()}
    assert router(state).tables[0].refused == FAR
    state = aws()
    change(state, PEERING, "pcx-1", acceptStatus="pending-acceptance")
    assert set(remote(state).values()) == {()}


@pytest.mark.parametrize(
    ("destination", "reached"),
    [
        ("10.4.128.0/17", FAR),
        ("10.4.0.0/16", FAR),
        ("10.4.144.0/20", ("10.4.144.0/20",)),
        ("10.5.128.0/17", ()),
        ("0.0.0.0/0", ()),
    ],
)
def test_a_peering_leads_to_the_peer_alone(destination: str, reached: tuple[str, ...]) -> None:
    state = aws()
    change(state, ROUTE, "r-30", destinationCidrBlock=destination)
    assert remote(state)["10.3.128.0/20"] == reached


def rules(state: State) -> tuple[Rule, ...]:
    return router(state).filters[0].rules


def test_the_clusters_group_holds_inside_the_vpc_too() -> None:
    state = aws()
    members = ("10.3.128.10/32", "10.3.129.0/24", "10.3.144.10/32", "10.3.145.0/24")
    assert Rule(sources=members) in rules(state)
    assert Rule(sources=("10.0.0.0/8",), protocol="tcp", ports=("26257",)) in rules(state)
    assert Rule(sources=("10.0.0.0/8",), protocol="icmp", icmp=(3, 4)) in rules(state)
    assert router(state).egress[0].rules == (Rule(destinations=("0.0.0.0/0",)),)
    drop(state, INGRESS, "sgr-3self")
    assert Rule(sources=members) not in rules(state)


def test_a_rule_may_name_a_prefix_list() -> None:
    state = aws()
    entries = [{"cidr": "10.1.128.0/17"}, {"cidr": "10.2.128.0/17"}]
    add(state, "aws:ec2/managedPrefixList:ManagedPrefixList", "pl-1", entries=entries)
    named = {"prefixListId": "pl-1", "ipProtocol": "tcp", "fromPort": 9, "toPort": 9}
    add(state, INGRESS, "sgr-listed", securityGroupId="sg-3", **named)
    assert Rule(sources=("10.1.128.0/17", "10.2.128.0/17"), protocol="tcp", ports=("9",)) in rules(state)
    change(state, "aws:ec2/managedPrefixList:ManagedPrefixList", "pl-1", entries=[])
    assert not [rule for rule in rules(state) if rule.ports == ("9",)]


def test_a_group_that_names_a_balancers_lets_in_what_comes_by_it() -> None:
    state = aws()
    through = ("10.3.240.53", "10.3.240.117")
    assert Rule(protocol="udp", ports=("30053",), through=through) in rules(state)
    change(state, BALANCER, "arn:lb-3", securityGroups=[])
    assert not [rule for rule in rules(state) if rule.through]


def test_a_launch_templates_groups_take_the_place_of_the_clusters() -> None:
    state = aws()
    add(state, "aws:ec2/launchTemplate:LaunchTemplate", "lt-1", name="t", vpcSecurityGroupIds=["sg-3lb"])
    change(state, "aws:eks/nodeGroup:NodeGroup", "eks-3:group-0", launchTemplate={"id": "lt-1"})
    by_machine = {filter.machines: filter.rules for filter in router(state).filters}
    assert Rule(sources=("10.0.0.0/8",), protocol="udp", ports=("53",)) in by_machine[("10.3.128.10",)]
    assert Rule(sources=("10.0.0.0/8",), protocol="tcp", ports=("26257",)) in by_machine[("10.3.144.10",)]


def balancers(state: State) -> dict[tuple[str, str], Balancer]:
    return {(each.address, each.protocol): each for each in router(state).balancers}


def test_a_balancer_answers_in_every_zone() -> None:
    found = balancers(aws())
    assert set(found) == {(address, p) for address in ("10.3.240.53", "10.3.240.117") for p in ("tcp", "udp")}
    first = found["10.3.240.53", "udp"]
    assert (first.targets, first.target_port, first.table) == (("10.3.128.10", "10.3.144.10"), 30053, "rtb-30")
    assert found["10.3.240.117", "tcp"].table == "rtb-31"
    assert first.keeps_source
    assert first.admits == (Rule(sources=("10.0.0.0/8",)),)
    assert first.sends == (Rule(destinations=("0.0.0.0/0",)),)


def test_without_cross_zone_an_address_serves_its_own_zone() -> None:
    state = aws()
    change(state, BALANCER, "arn:lb-3", enableCrossZoneLoadBalancing=False)
    assert balancers(state)["10.3.240.53", "udp"].targets == ("10.3.128.10",)
    drop(state, "aws:autoscaling/attachment:Attachment", "at-30")
    assert balancers(state)["10.3.240.53", "udp"].targets == ()
    assert balancers(state)["10.3.240.117", "udp"].targets == ("10.3.144.10",)


def test_a_balancers_own_groups_decide_first() -> None:
    state = aws()
    drop(state, INGRESS, "sgr-3dnsudp")
    assert balancers(state)["10.3.240.53", "udp"].admits == ()
    assert balancers(state)["10.3.240.53", "tcp"].admits == (Rule(sources=("10.0.0.0/8",)),)
    drop(state, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "sgr-out-sg-3lb")
    assert balancers(state)["10.3.240.53", "tcp"].sends == ()


def test_a_listener_of_one_transport_serves_no_other() -> None:
    state = aws()
    change(state, "aws:lb/listener:Listener", "arn:ls-3", protocol="UDP")
    assert {protocol for _, protocol in balancers(state)} == {"udp"}


def test_a_balancer_without_a_listener_is_nobody() -> None:
    state = aws()
    drop(state, "aws:lb/listener:Listener", "arn:ls-3")
    assert balancers(state) == {}


def test_pods_keep_their_addresses_only_if_the_cni_is_told_so() -> None:
    state = aws()
    assert router(state).snats == ()
    change(state, "aws:eks/addon:Addon", "eks-3:vpc-cni", configurationValues="{}")
    first, _ = router(state).snats
    assert (first.pods, first.address, first.kept) == ("10.3.129.0/24", "10.3.128.10", ("10.3.128.0/17",))


def transit() -> State:
    """The same regions with a Transit Gateway each in place of the peering."""
    state = aws()
    drop(state, PEERING, "pcx-1")
    drop(state, ACCEPTER, "pcx-1")
    for n in (3, 4):
        tables = {"associationDefaultRouteTableId": f"tgw-rtb-{n}", "propagationDefaultRouteTableId": f"tgw-rtb-{n}"}
        add(state, "aws:ec2transitgateway/transitGateway:TransitGateway", f"tgw-{n}", **tables)
        subnets = [f"subnet-{n}0private", f"subnet-{n}1private"]
        attachment = {"transitGatewayId": f"tgw-{n}", "vpcId": f"vpc-{n}", "subnetIds": subnets}
        add(state, "aws:ec2transitgateway/vpcAttachment:VpcAttachment", f"tgw-attach-{n}", **attachment)
        route = {
            "destinationCidrBlock": f"10.{7 - n}.128.0/17",
            "transitGatewayAttachmentId": "tgw-attach-p",
            "transitGatewayRouteTableId": f"tgw-rtb-{n}",
        }
        add(state, "aws:ec2transitgateway/route:Route", f"tgw-route-{n}", **route)
        for k in (0, 1):
            change(state, ROUTE, f"r-{n}{k}", vpcPeeringConnectionId=None, transitGatewayId=f"tgw-{n}")
    peering = {"transitGatewayId": "tgw-3", "peerTransitGatewayId": "tgw-4", "state": "available"}
    add(state, "aws:ec2transitgateway/peeringAttachment:PeeringAttachment", "tgw-attach-p", **peering)
    accepter = "aws:ec2transitgateway/peeringAttachmentAccepter:PeeringAttachmentAccepter"
    add(state, accepter, "tgw-attach-p", transitGatewayAttachmentId="tgw-attach-p")
    return state


def test_transit_gateways_have_the_meshs_reach() -> None:
    assert set(remote(transit()).values()) == {FAR}


@pytest.mark.parametrize(
    ("token", "id"),
    [
        ("aws:ec2transitgateway/route:Route", "tgw-route-3"),
        ("aws:ec2transitgateway/vpcAttachment:VpcAttachment", "tgw-attach-3"),
        ("aws:ec2transitgateway/vpcAttachment:VpcAttachment", "tgw-attach-4"),
        ("aws:ec2transitgateway/peeringAttachmentAccepter:PeeringAttachmentAccepter", "tgw-attach-p"),
        ("aws:ec2transitgateway/peeringAttachment:PeeringAttachment", "tgw-attach-p"),
    ],
)
def test_a_transit_gateway_needs_every_part(token: str, id: str) -> None:
    state = transit()
    drop(state, token, id)
    assert set(remote(state).values()) == {()}


def test_a_zone_without_an_attachment_is_cut_off() -> None:
    state = transit()
    attachment = "aws:ec2transitgateway/vpcAttachment:VpcAttachment"
    change(state, attachment, "tgw-attach-3", subnetIds=["subnet-30private"])
    assert remote(state)["10.3.128.0/20"] == FAR
    assert remote(state)["10.3.144.0/20"] == ()


def test_a_route_table_that_is_gone_leads_nowhere_whatever_is_associated_with_it() -> None:
    state = aws()
    drop(state, "aws:ec2/routeTable:RouteTable", "rtb-30")
    assert remote(state)["10.3.128.0/20"] == remote(state)["10.3.240.0/26"] == ()
    assert remote(state)["10.3.144.0/20"] == FAR


def test_a_load_balancer_whose_security_group_is_gone_lets_nobody_in() -> None:
    state = aws()
    before = [each for each in router(state).balancers if each.admits]
    assert before
    for group in {group for record in state.all(BALANCER) for group in record["securityGroups"]}:
        drop(state, "aws:ec2/securityGroup:SecurityGroup", group)
    assert {each.admits for each in router(state).balancers} == {()}
