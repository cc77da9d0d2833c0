"""`private-zone`: names in a zone outside of the clusters, which every cluster writes its own part of and asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.plan import ConfigError, plan
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.unit.recording import Recording, record
from tests.unit.stacks.test_multiregion import given

WORD = "private-zone"
SECRET = "c2VjcmV0IG9mIHNpeHRlZW4gYnl0ZXMgYW5kIG1vcmU="
OPTIONS = {"rfc2136": {"servers": ["10.0.0.53", "10.0.1.53"], "tsigKeyName": "key", "tsigSecret": {"secure": "v1:x"}}}


def config(*regions: dict[str, Any], options: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig"}
    listed = [
        {"name": name, "context": name, **common, **own}
        for name, own in zip("abc", (*regions, {}, {}, {}), strict=False)
    ]
    return {"strategy": WORD, "strategyOptions": OPTIONS if options is None else options, "regions": listed, **more}


def with_servers(**changed: Any) -> dict[str, Any]:
    return {"rfc2136": {**OPTIONS["rfc2136"], **changed}}


def run(raw: dict[str, Any]) -> Recording:
    settings, addresses = plan(raw)
    secrets = {"rfc2136.tsigSecret": SECRET}
    return record(lambda: outputs(multi_region(settings, addresses, None, secrets)), given)


def test_a_node_is_a_name_in_its_regions_part_of_the_zone() -> None:
    _, addresses = plan(config({"nodes": 2}))
    first = addresses.regions[0]
    assert [node.address for node in first.nodes] == ["cockroachdb-0.a.crdb.internal", "cockroachdb-1.a.crdb.internal"]
    assert "*.a.crdb.internal" in (first.certificate_names or ())
    assert not any("b.crdb" in name for name in first.certificate_names or ())
    assert addresses.join_addresses[2] == "cockroachdb-0.b.crdb.internal:26257"
    assert [balancer.kind for balancer in first.balancers] == ["sql"]


def test_every_cluster_asks_the_same_servers_for_the_whole_zone() -> None:
    _, addresses = plan(config({}, {}, {"state": "lost"}, options={"zone": "db.example", **OPTIONS}))
    asked = [dict(region.forwards) for region in addresses.regions]
    assert asked == [{"db.example": ("10.0.0.53", "10.0.1.53")}] * 2 + [{}]


def test_external_dns_writes_its_own_regions_part_and_nothing_else() -> None:
    made = run(config())
    for region in "abc":
        deployment = made.named("Deployment", f"{region}-private-zone-deployment").inputs["spec"]
        (container,) = deployment["template"]["spec"]["containers"]
        words = set(container["args"])
        assert {
            f"--namespace={region}",
            f"--domain-filter={region}.crdb.internal",
            f"--txt-owner-id=cockroachdb-multiregion.dev.{region}",
            "--rfc2136-zone=crdb.internal",
            "--rfc2136-host=10.0.0.53",
            "--policy=upsert-only",
        } <= words
        assert not any("secret" in word and "alg" not in word for word in words)
        assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
        role = made.named("Role", f"{region}-private-zone-reads").inputs["rules"]
        assert {verb for rule in role for verb in rule["verbs"]} == {"get", "list", "watch"}
        assert not any("secrets" in rule["resources"] for rule in role)
    assert [each for each in made.of("ClusterRole") if "private-zone" in each.name] == []


def test_pods_are_published_before_they_are_ready() -> None:
    service = run(config()).named("v1:Service", "a-headless").inputs
    assert service["metadata"]["annotations"]["external-dns.alpha.kubernetes.io/hostname"] == "a.crdb.internal"
    assert service["spec"]["publishNotReadyAddresses"] is True


def test_the_signing_secret_is_nowhere_in_the_clear() -> None:
    made = run(config())
    keys = [each for each in made.of("v1:Secret") if each.name.endswith("private-zone-tsig")]
    assert len(keys) == 3
    for resource in made.resources:
        assert not any(SECRET in text for text in resource.plain_texts()), resource.urn
    assert SECRET not in json.dumps(made.result, default=str)


def test_a_changed_secret_starts_external_dns_anew() -> None:
    settings, addresses = plan(config())

    def annotations(secret: str) -> dict[str, str]:
        secrets = {"rfc2136.tsigSecret": secret}
        made = record(lambda: outputs(multi_region(settings, addresses, None, secrets)), given)
        spec = made.named("Deployment", "a-private-zone-deployment").inputs["spec"]
        return spec["template"]["metadata"]["annotations"]

    assert annotations(SECRET) == annotations(SECRET)
    assert annotations(SECRET) != annotations(SECRET[::-1])


def test_what_it_puts_into_a_region_waits_for_its_namespace() -> None:
    made = run(config())
    (namespace,) = [each.urn for each in made.of("v1:Namespace") if each.name == "a-namespace"]
    for kind, name in (("Deployment", "deployment"), ("v1:Secret", "tsig"), ("v1:Role", "reads")):
        assert namespace in made.reaches(made.named(kind, f"a-private-zone-{name}").urn), name


def test_a_lost_regions_cluster_is_not_called() -> None:
    made = run(config({}, {}, {"state": "lost"}))
    mine = {each.type.rpartition(":")[2] for each in made.resources if each.name.startswith("c-private-zone")}
    assert mine == {"PrivateZone", "DnsForwards"}
    assert made.named("DnsForwards", "c-private-zone-forwards").inputs["lost"] is True


def test_eks_is_told_by_its_own_dns_text() -> None:
    zones = [f"us-east-1{letter}" for letter in "abc"]
    region = {"name": "us-east-1", "platform": "eks", "zones": zones}
    raw = {
        "strategy": WORD,
        "strategyOptions": OPTIONS,
        "aws": {"authorizedCidrs": ["203.0.113.1/32"]},
        "regions": [region],
        "dns": {"extraStubDomains": {"corp.example": ["192.0.2.1"]}},
    }
    _, addresses = plan(raw)
    assert set(addresses.regions[0].forwards) == {"crdb.internal", "corp.example"}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (config(options={}), "strategyOptions.rfc2136: missing, and regions are on existing: the program makes zones"),
        (config(options=with_servers(servers=["10.1.128.53"])),
         "strategyOptions.rfc2136.servers[0]: 10.1.128.53 is in the range of regions[0]'s pods (10.1.128.0/17)"),
        (config(options=with_servers(servers=["10.2.32.53"])),
         "strategyOptions.rfc2136.servers[0]: 10.2.32.53 is in the range of regions[1]'s services"),
        (config(options=with_servers(servers=["10.0.0.53", "10.0.0.53"])),
         "strategyOptions.rfc2136.servers[1]: 10.0.0.53 is listed twice"),
        (config(options=with_servers(servers=[f"10.0.0.{n}" for n in range(1, 17)])),
         "strategyOptions.rfc2136.servers: lists 16; CoreDNS forwards a zone to at most 15"),
        (config(options={**OPTIONS, "zone": "svc.cluster.local"}),
         "strategyOptions.zone: svc.cluster.local covers or is part of cluster.local"),
        (config(options={**OPTIONS, "zone": "local"}), "strategyOptions.zone: local covers or is part of cluster."),
        (config({"podsRouted": False}), "regions[0].podsRouted: false, but with strategy private-zone"),
        (config({"dns": {"kind": "cloud-dns"}}), "regions[0].dns.kind: cloud-dns answers names outside the cluster"),
    ],
)  # fmt: skip
def test_what_it_cannot_work_with_is_refused(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan(raw)
    assert message in str(refused.value)
