"""What the state's record refuses, case by case; tests/property/test_lock.py has the moves."""

from typing import Any

import pytest

from components.plan import plan
from components.plan.lock import carried, compare, compare_completed, compare_records, record
from components.plan.lock_versions import compare_versions
from components.plan.model import AddressPlan

NAMES = ("a", "b", "c", "d")


def config(**states: str) -> dict[str, Any]:
    listed = [{"name": name, "dns": {"kind": "coredns"}, "kubeconfig": "k", "context": name} for name in NAMES]
    return {
        "regions": [region | {"state": states.get(name, "active")} for name, region in zip(NAMES, listed, strict=True)]
    }


def addresses(asked: dict[str, Any]) -> AddressPlan:
    return plan(asked)[1]


def refusals(before: dict[str, Any], after: dict[str, Any], allow_data_loss: bool = False) -> list[str]:
    return [str(problem) for problem in compare(addresses(before).to_json(), addresses(after), allow_data_loss)]


@pytest.mark.parametrize(
    ("was", "now", "fine"),
    [
        ("active", "draining", True),
        ("active", "lost", True),
        ("active", "removed", False),
        ("draining", "removed", True),
        ("draining", "active", True),
        ("lost", "removed", True),
        ("lost", "active", True),
        ("removed", "active", False),
        ("removed", "draining", False),
        ("removed", "lost", False),
    ],
)
def test_states(was: str, now: str, fine: bool) -> None:
    found = refusals(config(d=was), config(d=now))
    assert (found == []) is fine
    assert all(problem.startswith("regions[3].state: ") for problem in found)


def test_data_loss_must_be_asked_for() -> None:
    assert refusals(config(), config(d="removed"), allow_data_loss=True) == []
    assert refusals(config(d="removed"), config(), allow_data_loss=True) != []


def test_fewer_nodes() -> None:
    after = config()
    after["regions"][1]["nodes"] = 2
    assert refusals(config(), after) == [
        "regions[1].nodes: 2 would take nodes away with their data, the running stack has 3 that stay; first use "
        "`nodes: 3` with `drainingNodes: 1` and an up, or set allowDataLoss: true"
    ]
    assert refusals(after, config()) == []
    assert refusals(config(), after, allow_data_loss=True) == []


@pytest.mark.parametrize(
    ("was", "now", "path"),
    [
        ((3, 0), (3, 1), None),
        ((3, 1), (3, 1), None),
        ((3, 1), (2, 0), None),
        ((3, 1), (3, 2), None),
        ((3, 2), (2, 1), None),
        ((3, 1), (2, 1), None),
        ((3, 1), (1, 0), "nodes"),
        ((3, 1), (3, 0), "drainingNodes"),
        ((3, 1), (4, 1), "drainingNodes"),
        ((3, 2), (3, 1), "drainingNodes"),
        ((2, 0), (3, 0), None),
    ],
)
def test_nodes_leave_by_way_of_draining_and_never_come_back(
    was: tuple[int, int], now: tuple[int, int], path: str | None
) -> None:
    def some(count: tuple[int, int]) -> dict[str, Any]:
        found = config()
        found["regions"][1] |= {"nodes": count[0], "drainingNodes": count[1]}
        return found

    found = refusals(some(was), some(now))
    assert [problem.split(":")[0] for problem in found] == ([f"regions[1].{path}"] if path else [])
    assert refusals(some(was), some(now), allow_data_loss=True) == []


def authority(word: str, **states: str) -> dict[str, Any]:
    return {**config(**states), "certificates": {"authority": word}}


@pytest.mark.parametrize(
    ("was", "now", "fine"),
    [
        ("1", "1+2", True),
        ("1+2", "2+1", True),
        ("2+1", "2", True),
        ("2", "2+3", True),
        ("1+2", "1", True),
        ("2+1", "1+2", True),
        ("1", "2", False),
        ("1", "2+1", False),
        ("1+2", "2", False),
        ("2+1", "1", False),
        ("2", "2+1", False),
        ("1+2", "1+3", False),
    ],
)
def test_an_authority_changes_by_way_of_both(was: str, now: str, fine: bool) -> None:
    found = records(authority(was), authority(now))
    assert (found == []) is fine, found


def test_an_authoritys_way_is_said() -> None:
    assert records(authority("1"), authority("2")) == [
        "certificates.authority: 2 would break the nodes' trust in each other, the running stack has 1; an up with 1+2 "
        "first (all trust both), then one with 2+1 (the new one signs), then one with 2"
    ]
    assert records(authority("1+2"), authority("2")) == [
        "certificates.authority: 2 would break the nodes' trust in each other, the running stack has 1+2; an up with "
        "2+1 first, where 2 signs, or back with 1"
    ]
    (found,) = records(authority("1", d="draining"), authority("1+2", d="draining"))
    assert "while d is draining" in found
    (found,) = map(str, compare_records(None, record(*plan(authority("2")))))
    assert found == "certificates.authority: 2 in a stack that has not run yet; begin with 1"


def release(version: str, finalize: bool = True) -> dict[str, Any]:
    return {**config(), "cockroachdb": {"version": version, "finalizeUpgrade": finalize}}


def test_an_upgrade_that_is_held_can_go_back_and_skips_nothing() -> None:
    state: dict[str, Any] = {}

    def up(version: str, finalize: bool) -> list[str]:
        nonlocal state
        new = record(*plan(release(version, finalize)))
        found = [str(problem) for problem in compare_records(state, new)]
        if not found:
            state = carried(state, new)
        return found

    assert up("v26.2.5", finalize=True) == []
    (late,) = up("v26.4.0", finalize=False)
    assert late.startswith("cockroachdb.finalizeUpgrade: false comes too late with another version")
    assert up("v26.2.5", finalize=False) == []
    assert up("v26.4.0", finalize=False) == []
    assert up("v26.4.0", finalize=False) == []
    (skipped,) = up("v27.2.0", finalize=False)
    assert "skips v26.4" in skipped, "the stores are those of 26.2 still"
    assert up("v26.2.6", finalize=False) == [], "the way back"
    assert up("v26.4.1", finalize=False) == []
    assert up("v26.4.1", finalize=True) == []
    (back,) = up("v26.2.6", finalize=True)
    assert "v26.2.6 is older than v26.4.1" in back


def test_a_step_that_did_not_end_well_is_no_step_to_go_on_from() -> None:
    def completed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        was = carried(None, record(*plan(before)))
        return [problem.path for problem in compare_completed(was, record(*plan(after)))]

    assert compare_completed(None, record(*plan(config(a="lost")))) == [], "no up has ever ended well"
    assert completed(authority("1"), authority("2+1")) == ["certificates.authority"]
    assert completed(authority("1"), authority("1+2")) == []
    drained, fewer = config(), config()
    drained["regions"][1] |= {"nodes": 3, "drainingNodes": 1}
    fewer["regions"][1]["nodes"] = 2
    assert completed(config(), fewer) == ["regions[1].nodes"]
    assert completed(drained, fewer) == []
    assert completed(config(), config(d="removed")) == ["regions[3].state"]
    assert completed(config(d="draining"), config(d="removed")) == []
    assert completed(config(d="draining"), config()) == ["regions[3].state"], "its nodes are decommissioned"


@pytest.mark.parametrize(("was", "now"), [("active", "draining"), ("draining", "draining"), ("draining", "active")])
def test_a_region_that_drains_keeps_its_nodes_until_it_is_removed(was: str, now: str) -> None:
    """Pods that go before they are decommissioned take their replicas with them, all at once."""
    after = config(d=now)
    after["regions"][3]["nodes"] = 1
    found = refusals(config(d=was), after)
    assert [problem.split(":")[0] for problem in found] == ["regions[3].nodes"]


def test_the_first_run_needs_its_first_region() -> None:
    assert [str(problem) for problem in compare(None, addresses(config(a="lost")))] == [
        "regions[0].state: lost in a stack that has not run yet; the cluster is born in the first region listed: "
        "put an active region there"
    ]
    assert compare(None, addresses(config(a="draining"))) == []
    assert refusals(config(), config(a="lost")) == []


def test_a_region_before_the_first() -> None:
    after = config()
    for index, region in enumerate(after["regions"]):
        region["cidr"] = f"10.{index + 1}.0.0/16"
    new = {"name": "z", "dns": {"kind": "coredns"}, "kubeconfig": "k", "context": "z", "cidr": "10.9.0.0/16"}
    after["regions"].insert(0, new)
    expected = "regions[0]: z comes before a, where the cluster was born; put new regions last"
    assert refusals(config(), after) == [expected]


def test_a_removed_region_at_the_end_may_leave_the_list() -> None:
    after = config()
    after["regions"].pop()
    assert refusals(config(d="removed"), after) == []
    assert len(refusals(config(), after)) == 1


def test_ranges_may_be_written_out() -> None:
    """Stating what was the default is no move, nor is a cidr that nothing is cut from."""
    after = config()
    after["regions"][1] |= {
        "cidr": "10.200.0.0/16",
        "nodeCidr": "10.2.0.0/20",
        "podCidr": "10.2.128.0/17",
        "serviceCidr": "10.2.32.0/20",
        "dnsAddresses": ["10.2.0.53", "10.2.0.54"],
        "sqlAddress": "10.2.16.26",
    }
    before = config()
    before["regions"][1]["dnsAddresses"] = ["10.2.0.53"]
    after["regions"][1]["sqlAddress"] = "10.2.0.26"
    before["regions"][1]["sqlAddress"] = "10.2.0.26"
    assert refusals(before, after) == []


def test_dns_servers_move_by_way_of_both() -> None:
    one, both, other = config(), config(), config()
    one["regions"][0]["dnsAddresses"] = ["10.1.16.53"]
    both["regions"][0]["dnsAddresses"] = ["10.1.16.53", "10.1.16.54"]
    other["regions"][0]["dnsAddresses"] = ["10.1.16.54"]
    assert refusals(one, both) == []
    assert refusals(both, other) == []
    assert len(refusals(one, other)) == 1


@pytest.mark.parametrize(
    ("was", "now", "fine"),
    [
        ("v26.2.5", "v26.2.6", True),
        ("v26.2.5", "v26.2.4", True),
        ("v25.4.14", "v26.2.5", True),
        ("v26.2.5", "v26.4.0", True),
        ("v24.3.9", "v25.2.0", True),
        ("v24.1.9", "v24.3.0", True),
        ("v26.1.0", "v26.3.0", False),
        ("v25.3.9", "v26.1.0", False),
        ("v25.2.9", "v26.2.5", False),
        ("v24.1.9", "v26.2.5", False),
        ("v26.2.5", "v26.1.9", False),
        ("v26.1.0", "v25.4.14", False),
    ],
)
def test_versions(was: str, now: str, fine: bool) -> None:
    assert (compare_versions(was, now) == []) is fine


def test_a_skipped_release_is_named() -> None:
    (problem,) = compare_versions("v25.2.9", "v26.2.5")
    assert "v25.4" in problem.message


def test_records_carry_the_version_and_the_permission() -> None:
    settings, before = plan(config() | {"cockroachdb": {"version": "v26.2.5"}})
    older, after = plan(config(d="removed") | {"cockroachdb": {"version": "v25.4.14"}, "allowDataLoss": True})
    problems = compare_records(record(settings, before), record(older, after))
    assert [problem.path for problem in problems] == ["cockroachdb.version"]


@pytest.mark.parametrize(("key", "was", "now"), [("maxOffset", "250ms", "500ms"), ("clusterName", "one", "two")])
def test_what_running_nodes_must_agree_on_stays(key: str, was: str, now: str) -> None:
    """One node that starts with another --max-offset ends every node that it pings; with another name none talks."""
    before = record(*plan(config() | {"cockroachdb": {key: was}}))
    problems = compare_records(before, record(*plan(config() | {"cockroachdb": {key: now}})))
    assert [problem.path for problem in problems] == [f"cockroachdb.{key}"]
    assert was in problems[0].message
    assert now in problems[0].message


def test_a_record_of_before_those_were_kept_is_fine() -> None:
    old, new = (record(*plan(config())) for _ in range(2))
    del old["agreed"]
    assert compare_records(old, new) == []


@pytest.mark.parametrize(
    ("was", "now", "refusal"),
    [
        ({"size": "100Gi"}, {"size": "200Gi"}, None),
        ({"size": "100Gi"}, {"size": "0.1Ti"}, None),
        ({"size": "100Gi"}, {"size": "100G"}, "cockroachdb.storage.size: 100G is less than 100Gi"),
        ({"class": "fast"}, {"class": "slow"}, "cockroachdb.storage.class: slow would be no running node's"),
        ({"class": "fast"}, {}, None),
        ({}, {"class": "the-default"}, None),
    ],
)
def test_volumes_only_grow(was: dict[str, str], now: dict[str, str], refusal: str | None) -> None:
    before, after = (record(*plan(config() | {"cockroachdb": {"storage": storage}})) for storage in (was, now))
    found = [str(problem) for problem in compare_records(before, after)]
    assert [text.startswith(refusal or "-") for text in found] == ([True] if refusal else [])
    del before["storage"]
    assert compare_records(before, after) == [], "a record of before it was kept"


def test_the_disks_of_a_cloud_keep_their_type() -> None:
    before, after = (made("gke") for _ in range(2))
    after["gcp"]["storageType"] = "pd-balanced"
    (problem,) = compare_records(record(*plan(before)), record(*plan(after)))
    assert problem.path == "gcp.storageType"
    assert "pd-ssd" in problem.message


def made(platform: str, zones: str = "abc", nodes: int = 3, **region: Any) -> dict[str, Any]:
    location, between = ("us-east1", "-") if platform == "gke" else ("us-east-1", "")
    listed = {
        "name": "east",
        "platform": platform,
        "location": location,
        "nodes": nodes,
        "zones": [f"{location}{between}{zone}" for zone in zones],
    }
    return {"regions": [listed | region], "gcp": {"project": "my-project-123456"}}


@pytest.mark.parametrize("platform", ["gke", "eks"])
@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (("abc", 3), ("abcd", 3), None),
        (("abc", 3), ("abc", 7), None),
        (("ab", 3), ("abc", 4), None),
        (("abc", 3), ("acb", 3), "put those back in their order"),
        (("abc", 3), ("bc", 3), "put those back in their order"),
        (("abc", 3), ("ab", 3), "put those back in their order"),
        (("abc", 3), ("dabc", 3), "put those back in their order"),
        (("ab", 3), ("abc", 3), "set regions[0].nodes to 4 or more"),
        (("ab", 6), ("abc", 6), "set regions[0].nodes to 8 or more"),
    ],
)
def test_zones_of_a_cluster_that_the_program_made(
    platform: str, before: tuple[str, int], after: tuple[str, int], refused: str | None
) -> None:
    """Disks stay in their zone, and on EKS a zone's place decides its subnets."""
    found = refusals(made(platform, *before), made(platform, *after))
    if refused is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("regions[0].zones: ")
        assert refused in found[0]


def test_zones_of_existing_clusters_are_their_own() -> None:
    before, after = config(), config()
    before["regions"][0]["zones"], after["regions"][0]["zones"] = ["x", "y"], ["y"]
    assert refusals(before, after) == []


def records(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in compare_records(record(*plan(before)), record(*plan(after)))]


def test_clusters_that_the_program_made_do_not_move() -> None:
    before = made("gke")
    assert records(before, made("gke")) == []
    moved = made("gke", zones="", location="us-west1")
    moved["regions"][0]["zones"] = ["us-west1-a", "us-west1-b", "us-west1-c"]
    assert [problem.split(" would")[0] for problem in records(before, moved)] == [
        "regions[0].zones: us-west1-a, us-west1-b, us-west1-c",
        "regions[0].location: us-west1",
    ]
    assert records(before, before | {"gcp": {"project": "another-project"}}) == [
        "gcp.project: another-project would make every cluster on gke anew, for which the running stack has "
        "my-project-123456; put it back"
    ]
    (network,) = records(before, before | {"gcp": {"project": "my-project-123456", "network": "peered"}})
    assert network.startswith("gcp.network: peered would make every cluster on gke anew")


def test_a_platform_does_not_change() -> None:
    problems = refusals(made("gke"), made("eks"))
    assert any(problem.startswith("regions[0].platform: eks would move east's platform") for problem in problems)


def test_a_record_of_a_version_without_clouds_is_compared_all_the_same() -> None:
    before = record(*plan(config()))
    del before["made"]
    for region in before["topology"]["regions"]:
        del region["sqlAddresses"]
    assert compare_records(before, record(*plan(config()))) == []


def test_a_stack_may_leave_a_cloud() -> None:
    before = made("gke", state="draining")
    before["regions"].insert(0, config()["regions"][0])
    after = {"regions": [before["regions"][0], {"name": "east", "platform": "gke", "state": "removed"}]}
    assert records(before, after) == []


EKS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1")


def eks(count: int, **aws: Any) -> dict[str, Any]:
    listed = [{"name": name, "zones": [f"{name}a", f"{name}b"]} for name in EKS[:count]]
    return {"platform": "eks", "regions": listed, "aws": aws}


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (eks(3, transitGatewayFrom=4), eks(3, transitGatewayFrom=4), None),
        (eks(2, transitGatewayFrom=4), eks(3, transitGatewayFrom=4), None),
        (eks(3, transitGatewayFrom=3), eks(4, transitGatewayFrom=3), None),
        (eks(3, transitGatewayFrom=4), eks(4, transitGatewayFrom=4), "set it to 5 to keep peerings, or to 3 in an up"),
        (eks(3, transitGatewayFrom=4), eks(4, transitGatewayFrom=5), None),
        (eks(3, transitGatewayFrom=4), eks(3, transitGatewayFrom=3), None),
    ],
)
def test_one_region_more_does_not_join_all_others_in_another_way(
    before: dict[str, Any], after: dict[str, Any], refused: str | None
) -> None:
    found = records(before, after)
    assert [problem.split(":")[0] for problem in found] == ([] if refused is None else ["aws.transitGatewayFrom"])
    assert refused is None or refused in found[0]


def test_the_way_back_to_peerings_is_asked_for_too() -> None:
    before, after = eks(4, transitGatewayFrom=4), eks(4, transitGatewayFrom=4)
    before["regions"][3]["state"], after["regions"][3]["state"] = "draining", "removed"
    (found,) = records(before, after)
    assert "set it to 3 to keep Transit Gateways, or to 5 in an up of its own before" in found


@pytest.mark.parametrize(
    ("was", "now", "fine"),
    [("1.33", "1.34", True), ("1.33", "1.33", True), ("1.34", "1.33", False), ("1.33", "1.35", False)],
)
def test_kubernetes_versions_are_not_skipped(was: str, now: str, fine: bool) -> None:
    found = records(eks(3, kubernetesVersion=was), eks(3, kubernetesVersion=now))
    assert (found == []) is fine
    assert len(found) <= 1
    assert all("upgrade to 1.34 first" in problem or "never goes back" in problem for problem in found)
    assert records(eks(3), eks(3, kubernetesVersion=now)) == []


def test_a_regions_own_kubernetes_version_is_not_skipped_either() -> None:
    before, after = eks(3, kubernetesVersion="1.33"), eks(3, kubernetesVersion="1.35")
    for region in after["regions"][:2]:
        region["kubernetesVersion"] = "1.34"
    (found,) = records(before, after)
    assert found.startswith("aws.kubernetesVersion: ")
    assert f"1.33, which {after['regions'][2]['name']} has" in found
    after["regions"][0]["kubernetesVersion"] = "1.36"
    assert [problem.partition(":")[0] for problem in records(before, after)] == [
        "regions[0].kubernetesVersion",
        "aws.kubernetesVersion",
    ]
    after["regions"][0]["kubernetesVersion"] = "1.34"
    before["regions"][2]["kubernetesVersion"] = "1.34"
    assert records(before, after) == []
