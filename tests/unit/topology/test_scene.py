"""What is drawn of a plan and a verdict: which regions are well, what joins them, what was found."""

from tests.unit.topology.samples import many, multicloud, three, verdict
from topology.places import place_of
from topology.scene import scene


def test_a_region_that_is_cut_off_is_red_and_the_others_are_not() -> None:
    drawn = scene(three(), verdict(three(), cut=["us-west1"]))
    assert {region.name: region.health for region in drawn.regions} == {
        "us-east1": "green",
        "us-central1": "green",
        "us-west1": "red",
    }
    assert drawn.region("us-east1").reaches == (1, 2)
    assert drawn.region("us-west1").reaches == (0, 2)
    assert {(pair.one, pair.other): pair.health for pair in drawn.pairs} == {
        ("us-east1", "us-central1"): "green",
        ("us-east1", "us-west1"): "red",
        ("us-central1", "us-west1"): "red",
    }


def test_a_node_that_is_down_degrades_its_region_alone() -> None:
    drawn = scene(three(), verdict(three(), cut=["us-west1"], down=["us-east1"]))
    assert [region.health for region in drawn.regions] == ["degraded", "green", "red"]
    assert [node.name for node in drawn.region("us-east1").nodes if node.down] == ["cockroachdb-1"]
    assert not any(node.down for node in drawn.region("us-central1").nodes)


def test_without_a_verdict_nothing_has_a_health() -> None:
    drawn = scene(three())
    assert {region.health for region in drawn.regions} == {pair.health for pair in drawn.pairs} == {None}


def test_one_pairs_worse_direction_counts() -> None:
    found = {**verdict(three())}
    found["matrix"] = {**found["matrix"], "us-west1": {**found["matrix"]["us-west1"], "us-east1": "unknown"}}
    (pair,) = [each for each in scene(three(), found).pairs if {each.one, each.other} == {"us-east1", "us-west1"}]
    assert pair.health == "unknown"


def test_findings_of_many_pairs_are_said_once_for_each_direction() -> None:
    found = scene(many(), verdict(many(), cut=["eu-central-1"])).findings
    assert [each.where for each in found] == [
        "us-east1, us-east-1, westeurope and 23 more → eu-central-1",
        "eu-central-1 → us-east1, us-east-1, westeurope and 23 more",
    ]
    assert sum(len(each.regions) for each in found) == 2 * 26


def test_what_joins_two_regions() -> None:
    links = {frozenset((pair.one, pair.other)): pair.link for pair in scene(multicloud()).pairs}
    assert links[frozenset(("us-central1", "us-east1"))] == "one VPC"
    assert links[frozenset(("us-east-2", "us-west-2"))] == "peering"
    assert links[frozenset(("us-east1", "us-west-2"))] == "vpn"
    # A third region of the VPC has no VPN gateway of its own, and goes through the others'.
    elsewhere = {frozenset((pair.one, pair.other)): pair.link for pair in scene(many()).pairs}
    assert elsewhere[frozenset(("asia-east1", "us-east-1"))] == "vpn"
    assert elsewhere[frozenset(("us-east-1", "us-east-2"))] == "transit-gateway"
    assert elsewhere[frozenset(("westeurope", "us-east-2"))] is None


def test_outputs_of_before_there_were_networks_in_them_are_drawn() -> None:
    old = {key: value for key, value in multicloud().items() if key not in ("networks", "links")}
    assert {pair.link for pair in scene(old).pairs} == {None}


def test_lost_regions_have_no_pairs_and_removed_ones_keep_their_number() -> None:
    states = ["removed", "lost", "active"]
    plan = {**three(), "regions": [{**r, "state": s} for r, s in zip(three()["regions"], states, strict=True)]}
    drawn = scene(plan)
    assert [(region.number, region.name) for region in drawn.regions] == [(2, "us-central1"), (3, "us-west1")]
    assert drawn.pairs == ()


def test_a_zone_or_else_the_name_says_where_a_region_is() -> None:
    towns = {
        place.town
        for place in (
            place_of("a", ["us-east-1a"], {}),
            place_of("b", ["us-east4-b"], {}),
            place_of("c", ["us-gov-west-1c"], {}),
            place_of("westeurope", [], {}),
        )
        if place
    }
    assert towns == {"Ashburn", "Boardman", "Amsterdam"}
    assert place_of("frankfurt-dc1", ["rack-1"], {}) is None
