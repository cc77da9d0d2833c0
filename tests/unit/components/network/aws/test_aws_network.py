"""The network of regions on EKS: ways out, ways between, and nothing that leads in; known and unknown ids alike."""

from itertools import combinations, permutations

import pytest

from components.network.aws.names import BALANCER_NAME_LENGTH, short, zone_label
from components.network.aws.network import AwsNetwork
from tests.unit.recording import Recording

from .mocks import EVERYWHERE, LOCATIONS, made, of, region, vpc_cidr

BOTH = pytest.mark.parametrize("transit", [False, True], ids=["mesh", "transit"])
PAIRS = list(combinations(LOCATIONS, 2))


def network(
    transit: bool = False, locations: tuple[str, ...] = LOCATIONS, nat: str = "per-zone", *, preview: bool = False
) -> Recording:
    return made(
        lambda: (
            AwsNetwork(
                "aws",
                {
                    "regions": [region(number, location) for number, location in enumerate(locations, start=1)],
                    "nat_gateways": nat,
                    "transit_gateway": transit,
                },
            ).vpc_ids
        ),
        preview=preview,
    )


def ways(recording: Recording) -> dict[tuple[str, str], dict[str, str]]:
    """Route table and destination -> what the route leads through."""
    return {
        (made.inputs["routeTableId"], made.inputs["destinationCidrBlock"]): {
            key: value for key, value in made.inputs.items() if key.endswith("Id") and key != "routeTableId"
        }
        for made in of(recording, "ec2/route:Route").values()
    }


@BOTH
def test_a_preview_has_the_same_graph_as_an_update(transit: bool) -> None:
    assert network(transit).graph() == network(transit, preview=True).graph()


def test_a_vpc_per_region_with_subnets_in_every_zone() -> None:
    recording = network()
    assert recording.result == {location: f"{location}-vpc-id" for location in LOCATIONS}
    vpc = of(recording, "ec2/vpc:Vpc")["us-east-2-vpc"].inputs
    assert (vpc["region"], vpc["cidrBlock"]) == ("us-east-2", "10.2.128.0/17")
    assert vpc["enableDnsSupport"] and vpc["enableDnsHostnames"], "EKS's private endpoint needs both"
    subnets = of(recording, "ec2/subnet:Subnet")
    assert {subnets[f"us-east-2-{kind}-b"].inputs["cidrBlock"] for kind in ("private", "public", "balancers")} == {
        "10.2.144.0/20",
        "10.2.225.0/24",
        "10.2.240.64/26",
    }
    assert subnets["us-east-2-private-b"].inputs["availabilityZone"] == "us-east-2b"
    assert not [made for made in subnets.values() if made.inputs["mapPublicIpOnLaunch"]]


def test_every_regional_resource_says_its_region() -> None:
    for transit in (False, True):
        resources = [made for made in network(transit).resources if made.type.startswith("aws:")]
        assert {made.inputs["region"] for made in resources} == set(LOCATIONS)


def test_each_zone_goes_out_by_its_own_nat_gateway() -> None:
    recording = network()
    assert len(of(recording, "ec2/natGateway:NatGateway")) == 9
    for location in LOCATIONS:
        for zone in "abc":
            way = ways(recording)[f"{location}-private-{zone}-id", EVERYWHERE]
            assert way == {"natGatewayId": f"{location}-nat-{zone}-id"}
            nat = of(recording, "ec2/natGateway:NatGateway")[f"{location}-nat-{zone}"]
            assert nat.inputs["subnetId"] == f"{location}-public-{zone}-id"
            internet = of(recording, "ec2/route:Route")[f"{location}-public-default"]
            assert internet.urn in recording.reaches(nat.urn)


def test_one_nat_gateway_serves_every_zone() -> None:
    recording = network(nat="one")
    assert sorted(of(recording, "ec2/natGateway:NatGateway")) == [f"{location}-nat-a" for location in LOCATIONS]
    assert ways(recording)["us-east-1-private-c-id", EVERYWHERE] == {"natGatewayId": "us-east-1-nat-a-id"}


@BOTH
def test_nothing_leads_everywhere_but_the_way_out(transit: bool) -> None:
    recording = network(transit)
    allowed = {f"{location}-private-{zone}-default" for location in LOCATIONS for zone in "abc"}
    allowed |= {f"{location}-public-default" for location in LOCATIONS}
    assert {made.name for made in recording.resources if EVERYWHERE in made.plain_texts()} == allowed


def test_hosts_and_load_balancers_of_a_zone_share_its_private_routes() -> None:
    associations = of(network(), "ec2/routeTableAssociation:RouteTableAssociation")
    for kind in ("private", "balancers"):
        inputs = associations[f"us-east-1-{kind}-b"].inputs
        assert inputs["subnetId"] == f"us-east-1-{kind}-b-id"
        assert inputs["routeTableId"] == "us-east-1-private-b-id"
    assert associations["us-east-1-public-b"].inputs["routeTableId"] == "us-east-1-public-id"


def test_every_pair_is_peered_once_and_accepted_where_the_peer_is() -> None:
    recording = network()
    connections = of(recording, "ec2/vpcPeeringConnection:VpcPeeringConnection")
    accepters = of(recording, "ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter")
    assert {
        (made.inputs["region"], made.inputs["peerRegion"], made.inputs["vpcId"], made.inputs["peerVpcId"])
        for made in connections.values()
    } == {(here, there, f"{here}-vpc-id", f"{there}-vpc-id") for here, there in PAIRS}
    assert len(connections) == len(accepters) == len(PAIRS)
    for name, accepter in accepters.items():
        assert accepter.inputs["vpcPeeringConnectionId"] == f"{name}-id"
        assert accepter.inputs["region"] == connections[name].inputs["peerRegion"]
        assert accepter.inputs["autoAccept"] is True
        assert connections[name].inputs["autoAccept"] is False


@BOTH
def test_every_private_route_table_leads_to_every_peer_and_no_other_does(transit: bool) -> None:
    recording = network(transit)
    numbers = {location: number for number, location in enumerate(LOCATIONS, start=1)}
    between = {place for place in ways(recording) if place[1] != EVERYWHERE}
    assert between == {
        (f"{here}-private-{zone}-id", vpc_cidr(numbers[there]))
        for here, there in permutations(LOCATIONS, 2)
        for zone in "abc"
    }


def test_a_route_through_a_peering_waits_until_it_is_accepted() -> None:
    recording = network()
    accepters = of(recording, "ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter")
    for here, there in permutations(LOCATIONS, 2):
        pair = "-to-".join(sorted((here, there), key=LOCATIONS.index))
        for zone in "abc":
            route = of(recording, "ec2/route:Route")[f"{here}-private-{zone}-to-{there}"]
            assert route.inputs["vpcPeeringConnectionId"] == f"{pair}-id"
            assert route.inputs["region"] == here
            assert accepters[pair].urn in route.dependencies


def test_transit_gateways_lead_from_each_vpc_to_each_other() -> None:
    recording = network(transit=True)
    assert not of(recording, "ec2/vpcPeeringConnection:VpcPeeringConnection")
    accepters = of(recording, "ec2transitgateway/peeringAttachmentAccepter:PeeringAttachmentAccepter")
    attachments = of(recording, "ec2transitgateway/vpcAttachment:VpcAttachment")
    routes = of(recording, "ec2transitgateway/route:Route")
    for here, there in PAIRS:
        pair = f"{here}-to-{there}"
        assert accepters[pair].inputs["region"] == there
        assert accepters[pair].inputs["transitGatewayAttachmentId"] == f"{pair}-id"
    for number, there in enumerate(LOCATIONS, start=1):
        for here in set(LOCATIONS) - {there}:
            pair = "-to-".join(sorted((here, there), key=LOCATIONS.index))
            static = routes[f"{here}-to-{there}"]
            assert static.inputs == {
                "region": here,
                "destinationCidrBlock": vpc_cidr(number),
                "transitGatewayAttachmentId": f"{pair}-id",
                "transitGatewayRouteTableId": f"{here}-transit-table",
            }
            assert accepters[pair].urn in static.dependencies
            route = of(recording, "ec2/route:Route")[f"{here}-private-a-to-{there}"]
            assert route.inputs["transitGatewayId"] == f"{here}-transit-id"
            assert attachments[f"{here}-transit"].urn in route.dependencies
    assert attachments["us-east-1-transit"].inputs["subnetIds"] == [f"us-east-1-private-{zone}-id" for zone in "abc"]


def test_mesh_and_transit_gateways_reach_the_same_by_the_same_routes() -> None:
    """So that a stack that grows past the mesh turns each route over in place: same URN, same table, same range."""
    mesh, transit = (of(network(mode), "ec2/route:Route") for mode in (False, True))
    assert {(made.urn, made.inputs["destinationCidrBlock"]) for made in mesh.values()} == {
        (made.urn, made.inputs["destinationCidrBlock"]) for made in transit.values()
    }


@BOTH
def test_a_new_region_touches_only_its_own_edges(transit: bool) -> None:
    before, after = network(transit), network(transit, (*LOCATIONS, "eu-west-1"))
    old = {made.urn: made.inputs for made in before.resources}
    new = {made.urn: made.inputs for made in after.resources}
    assert {urn: new.get(urn) for urn in old} == old
    assert all("eu-west-1" in urn for urn in new.keys() - old.keys())


@BOTH
def test_a_regions_own_network_waits_for_no_other_region(transit: bool) -> None:
    recording = network(transit)
    own = [made for made in recording.resources if "AwsRegionNetwork$aws" in made.urn]
    assert own
    for made_ in own:
        location = made_.inputs["region"]
        for urn in recording.reaches(made_.urn):
            assert not [other for other in LOCATIONS if other != location and f"::{other}" in urn]


@pytest.mark.parametrize(
    ("location", "zone", "label"),
    [("us-east-1", "us-east-1a", "a"), ("us-west-2", "us-west-2-lax-1a", "lax-1a"), ("x", "y", "y")],
)
def test_a_zone_is_told_by_what_its_region_does_not_say(location: str, zone: str, label: str) -> None:
    assert zone_label(location, zone) == label


def test_names_that_aws_keeps_short_stay_unique() -> None:
    long = [f"production-ap-southeast-{number}-dns" for number in range(20)]
    assert len({short(name) for name in long}) == 20
    assert max(len(short(name)) for name in long) == BALANCER_NAME_LENGTH
    assert short("us-east-1-dns") == "us-east-1-dns"
