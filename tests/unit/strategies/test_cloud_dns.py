"""`cloud-dns`: names that the whole VPC knows, and nothing between the regions' DNS."""

from __future__ import annotations

from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.plan.lock import compare
from components.plan.model import DnsKind
from components.strategies import strategy
from tests.unit.stacks.test_clouds import raw, run

WORD = "cloud-dns"


def config(*regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = raw("gke")
    for region, own in zip(found["regions"], regions, strict=False):
        region.update(own)
    return {**found, "strategy": WORD, **more}


def refused(*regions: dict[str, Any], **more: Any) -> str:
    with pytest.raises(ConfigError) as error:
        plan(config(*regions, **more))
    return str(error.value)


def test_a_node_is_its_pods_name_in_its_clusters_domain() -> None:
    settings, addresses = plan(config({}, {"strategyOptions": {"domain": "central.db.example"}}))
    first, second, _ = addresses.regions
    assert first.nodes[0].address == "cockroachdb-0.cockroachdb.us-east1.svc.us-east1.cockroachdb.internal"
    assert second.nodes[1].address == "cockroachdb-1.cockroachdb.us-central1.svc.central.db.example"
    assert second.dns_zone == "us-central1.svc.central.db.example"
    names = set(second.certificate_names or ())
    assert {
        "*.cockroachdb.us-central1.svc.central.db.example",
        "*.cockroachdb.us-central1.svc.cluster.local",
        "cockroachdb-public.us-central1.svc.cluster.local",
    } <= names
    assert "cockroachdb-0.cockroachdb.us-central1.svc.central.db.example:26257" in addresses.join_addresses
    identity = strategy(WORD).pod_identity(settings.regions[1])
    assert identity.advertise_host == "$(POD_NAME).cockroachdb.us-central1.svc.central.db.example"


def test_no_region_asks_anothers_dns() -> None:
    settings, addresses = plan(config())
    assert {region.dns_kind for region in settings.regions} == {DnsKind.CLOUD_DNS}
    for region in addresses.regions:
        assert (region.forwards, region.dns_addresses) == ({}, ())
        assert [balancer.kind for balancer in region.balancers] == ["sql"]
    assert {(port.number, port.to) for port in strategy(WORD).ports()} == {(26257, "pods"), (8080, "pods")}


def test_clusters_are_made_with_it() -> None:
    made = run(config())
    configs = {each.name: each.inputs["dnsConfig"] for each in made.of("container/cluster:Cluster")}
    assert configs["us-east1-cluster"] == {
        "clusterDns": "CLOUD_DNS",
        "clusterDnsScope": "CLUSTER_SCOPE",
        "additiveVpcScopeDnsDomain": "us-east1.cockroachdb.internal",
    }
    assert len({each["additiveVpcScopeDnsDomain"] for each in configs.values()}) == 3
    assert "dns.googleapis.com" in {each.inputs["service"] for each in made.of("projects/service:Service")}
    assert not [each.name for each in made.of("core/v1:Service") if "dns" in each.name]
    assert not [each.name for each in made.of("compute/address:Address") if "dns" in each.name]


def test_a_first_preview_shows_the_whole_graph() -> None:
    assert run(config(), known=False).graph() == run(config()).graph()


def test_other_strategies_switch_nothing_of_it_on() -> None:
    made = run(raw("gke"))
    assert "dns.googleapis.com" not in {each.inputs["service"] for each in made.of("projects/service:Service")}
    assert {each.inputs["dnsConfig"]["clusterDns"] for each in made.of("container/cluster:Cluster")} == {"KUBE_DNS"}


def test_what_answers_elsewhere_is_refused() -> None:
    elsewhere = {"platform": "eks", "name": "us-east-1", "zones": ["us-east-1a", "us-east-1b"]}
    assert "regions[0].platform: eks has no Cloud DNS for GKE" in refused(elsewhere)
    peered = {**raw("gke")["gcp"], "network": "peered"}
    assert "gcp.network: peered makes a VPC per region" in refused(gcp=peered)
    assert "regions[0].dns.kind: kube-dns answers its own cluster alone" in refused({"dns": {"kind": "kube-dns"}})


@pytest.mark.parametrize(
    ("domains", "message"),
    [
        (["a.example", "a.example"], "regions[1].strategyOptions.domain: a.example is regions[0]'s a.example"),
        (["a.example", "b.a.example"], "regions[1].strategyOptions.domain: b.a.example is inside regions[0]'s"),
        (["b.a.example", "a.example"], "regions[1].strategyOptions.domain: a.example holds regions[0]'s b.a.example"),
        (["cluster.local"], "regions[0].strategyOptions.domain: cluster.local is, holds or is inside cluster.local"),
        (["db.google.internal"], "is, holds or is inside google.internal"),
        (["internal"], "is, holds or is inside google.internal"),
        ([".".join(["d" * 60] * 4)], "DNS takes 253; use one of at most 213"),
    ],
)
def test_domains_that_clash_are_refused(domains: list[str], message: str) -> None:
    assert message in refused(*({"strategyOptions": {"domain": domain}} for domain in domains))


def test_a_lost_regions_domain_is_taken_still_and_a_removed_ones_is_free() -> None:
    def regions(state: str) -> list[dict[str, Any]]:
        return [
            {},
            {"state": state, "strategyOptions": {"domain": "a.example"}},
            {"strategyOptions": {"domain": "a.example"}},
        ]

    assert "regions[2].strategyOptions.domain: a.example is regions[1]'s" in refused(*regions("lost"))
    plan({**config(*regions("removed")), "databases": []})


def test_a_running_stacks_domain_stays() -> None:
    _, before = plan(config())
    _, after = plan(config({"strategyOptions": {"domain": "elsewhere.example"}}))
    (problem,) = compare(before.to_json(), after)
    assert str(problem).startswith("regions[0].strategyOptions.domain: us-east1.svc.elsewhere.example would move")
