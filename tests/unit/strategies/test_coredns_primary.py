"""`coredns-primary`: names in a domain of the cluster's own, and the order in which its DNS is replaced."""

from __future__ import annotations

from typing import Any

import pytest

from components.network.corefile import served_zones
from components.plan import ConfigError, plan
from components.plan.lock import compare
from components.strategies import strategy
from components.strategies.coredns_primary import objects, options
from components.strategies.coredns_primary.resources import CorednsPrimary, CorednsPrimaryArgs, corefile_text
from tests.unit.recording import Recording, record

WORD = "coredns-primary"


def config(*regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig"}
    listed = [
        {"name": name, "context": name, **common, **each}
        for name, each in zip("abc", (*regions, {}, {}, {}), strict=False)
    ]
    return {"strategy": WORD, "regions": listed, **more}


def in_domain(domain: str) -> dict[str, Any]:
    return {"strategyOptions": {"domain": domain}}


def test_a_node_is_a_name_in_its_regions_domain() -> None:
    settings, addresses = plan(config({"strategyOptions": {"domain": "east.example"}}))
    first, second, _ = addresses.regions
    assert first.dns_zone == "east.example"
    assert first.nodes[1].address == "cockroachdb-1.cockroachdb.a.svc.east.example"
    assert second.nodes[0].address == "cockroachdb-0.cockroachdb.b.svc.b.cockroachdb.internal"
    assert strategy(WORD).pod_identity(settings.regions[0]).advertise_host == (
        "$(POD_NAME).cockroachdb.a.svc.east.example"
    )
    names = set(first.certificate_names or ())
    assert {"*.cockroachdb.a.svc.east.example", "*.cockroachdb.a.svc.cluster.local", "10.1.16.26"} <= names


def test_regions_forward_each_others_domains_and_never_their_own() -> None:
    _, addresses = plan(config({}, {"state": "draining"}, {"state": "lost"}))
    first, second, lost = addresses.regions
    assert first.forwards == {"b.cockroachdb.internal": ("10.2.16.53",)}
    assert second.forwards == {"a.cockroachdb.internal": ("10.1.16.53",)}
    assert lost.forwards == {}
    assert first.dns_addresses == ("10.1.16.53",)


def test_other_peoples_zones_come_from_the_config_on_every_platform() -> None:
    _, addresses = plan(config(dns={"extraStubDomains": {"corp.example": ["192.0.2.53"]}}))
    assert all(region.forwards["corp.example"] == ("192.0.2.53",) for region in addresses.regions)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (config(in_domain("cluster.local")), "regions[0].strategyOptions.domain: cluster.local covers or is part of"),
        (config(in_domain("x.cluster.local")), "x.cluster.local covers or is part of cluster.local, regions[0]'s"),
        (config(in_domain("local")), "local covers or is part of cluster.local"),
        (config(in_domain("b.cockroachdb.internal")), "b.cockroachdb.internal covers or is part of regions[1]'s"),
        (config(in_domain("x.b.cockroachdb.internal")), "covers or is part of regions[1]'s domain"),
        (config(in_domain(".".join(["a" * 58] * 4))), "makes names of nodes longer than 253 characters"),
        (config({"strategyOptions": {"replicas": 1}}), "regions[0].strategyOptions.replicas: 1 servers are too few"),
        (config({"strategyOptions": {"domains": "x"}}), "regions[0].strategyOptions.domains: unknown key"),
        (config({"strategyOptions": {"switch": "off"}}), "regions[0].strategyOptions.switch: "),
        (config(strategyOptions={"corednsImage": "coredns:latest"}),
         "strategyOptions.corednsImage: coredns:latest is not pinned"),
        (config({"strategyOptions": {"upstreamNameservers": [f"192.0.2.{n}" for n in range(1, 17)]}}),
         "regions[0].strategyOptions.upstreamNameservers: lists 16 DNS servers"),
        (config(dns={"extraStubDomains": {"x.a.cockroachdb.internal": ["192.0.2.53"]}}),
         "dns.extraStubDomains.x.a.cockroachdb.internal: is regions[0]'s domain a.cockroachdb.internal or part of it"),
        (config(dns={"extraServerBlocks": "b.cockroachdb.internal {\n  errors\n}\n"}),
         "dns.extraServerBlocks: has a block for b.cockroachdb.internal"),
        (config({"dns": {"kind": "cloud-dns"}}), "regions[0].dns.kind: cloud-dns answers names outside the cluster"),
    ],
)  # fmt: skip
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan(given)
    assert message in str(refused.value)


def test_eks_is_refused_with_the_reason() -> None:
    region = {"name": "us-east-1", "platform": "eks", "zones": ["us-east-1a", "us-east-1b"]}
    with pytest.raises(ConfigError, match=r"regions\[0\]\.platform: eks has CoreDNS already, as an add-on"):
        plan({"strategy": WORD, "aws": {"authorizedCidrs": ["203.0.113.1/32"]}, "regions": [region]})


def test_a_running_stacks_domain_stays() -> None:
    _, was = plan(config())
    _, now = plan(config(in_domain("east.example")))
    (problem,) = compare(was.to_json(), now)
    assert str(problem).startswith("regions[0].strategyOptions.domain: east.example would move a's dnsZone")


def args(**more: Any) -> CorednsPrimaryArgs:
    given: dict[str, Any] = {
        "kubeconfig": "kc",
        "context": "a",
        "dns_kind": "kube-dns",
        "cluster_domain": "cluster.local",
        "cluster_zone": "a.svc.cluster.local",
        "domain": "a.cockroachdb.internal",
        "dns_addresses": ["10.1.16.53"],
        "dns_managed": True,
        "region_domains": {"b.cockroachdb.internal": ["10.2.16.53"]},
        "extra_stub_domains": {"corp.example": ["192.0.2.53"]},
        "extra_server_blocks": "lan.example {\n    whoami\n}\n",
        "upstream": "/etc/resolv.conf",
        "give_up": ["hosts"],
        "image": "coredns:1",
        "tools_image": "python:3",
        "replicas": 2,
        "canary_names": ["registry.example"],
        "owner": "p/dev",
        **more,
    }
    return given  # pyright: ignore[reportReturnType]


def made(preview: bool = False, **more: Any) -> Recording:
    def outputs(of: Any) -> dict[str, Any]:
        if of.typ == "kubernetes:core/v1:Service" and not preview:
            return {"status": {"loadBalancer": {"ingress": [{"ip": "10.1.16.53"}]}}}
        return {}

    return record(lambda: CorednsPrimary("x", args(**more)).addresses, outputs, preview=preview)


@pytest.mark.parametrize("preview", [False, True])
def test_each_step_waits_for_the_one_before(preview: bool) -> None:
    recording = made(preview)
    gateway, primary = (recording.named("Deployment", f"x-{component}").urn for component in ("gateway", "primary"))
    (canary,) = recording.of("batch/v1:Job")
    kept, replaced = (recording.named("ReplacedDns", f"x-{name}") for name in ("kept", "replaced"))
    entries = recording.named("ForeignEntries", "x-entries")
    assert kept.inputs["prepare"] is True
    assert replaced.inputs["prepare"] is False
    balancer = recording.named("core/v1:Service", "x-dns-service")
    for later, earlier in [
        (canary.urn, gateway),
        (canary.urn, balancer.urn),
        (canary.urn, entries.urn),
        (entries.urn, recording.named("DnsForwards", "x-forwards").urn),
        (primary, canary.urn),
        (kept.urn, primary),
        (replaced.urn, kept.urn),
    ]:
        assert earlier in recording.reaches(later)
    configuration = recording.named("ConfigMap", "x-primary-config").urn
    assert canary.urn in recording.reaches(configuration), "no server that the cluster asks reads it before"


def test_only_the_primarys_pods_are_the_clusters_dns() -> None:
    recording = made()
    pods = {
        component: recording.named("Deployment", f"x-{component}").inputs["spec"]["template"]["metadata"]["labels"]
        for component in ("gateway", "primary")
    }
    assert "k8s-app" not in pods["gateway"]
    assert pods["primary"]["k8s-app"] == "kube-dns"
    balancer = recording.named("core/v1:Service", "x-dns-service").inputs["spec"]["selector"]
    assert balancer.items() <= pods["gateway"].items()
    assert not balancer.items() <= pods["primary"].items()
    for component in ("gateway", "primary"):
        labels = recording.named("Deployment", f"x-{component}").inputs["metadata"]["labels"]
        assert labels["k8s-app"] == "kube-dns", "counted with the cluster's DNS"


def test_other_pods_come_with_another_configuration_and_the_canary_asks_again() -> None:
    before, after = made(), made(region_domains={})
    annotations = [
        each.named("Deployment", "x-primary").inputs["spec"]["template"]["metadata"]["annotations"]
        for each in (before, after)
    ]
    assert annotations[0] != annotations[1]
    assert before.of("Job")[0].inputs["metadata"]["name"] != after.of("Job")[0].inputs["metadata"]["name"]


def test_both_domains_are_one_zone_list_and_foreign_zones_are_served() -> None:
    text = corefile_text(args(upstream="192.0.2.1 192.0.2.2"))
    assert "    kubernetes cluster.local a.cockroachdb.internal in-addr.arpa ip6.arpa {" in text
    assert "    forward . 192.0.2.1 192.0.2.2\n" in text
    assert served_zones(text) == {"", "b.cockroachdb.internal", "corp.example", "lan.example"}


def test_the_canary_asks_for_every_domain_and_needs_no_rights() -> None:
    recording = made()
    (canary,) = recording.of("batch/v1:Job")
    spec = canary.inputs["spec"]["template"]["spec"]
    environment = {entry["name"]: entry["value"] for entry in spec["containers"][0]["env"]}
    assert environment["INSIDE"].split(",") == [
        "kubernetes.default.svc.cluster.local",
        "kubernetes.default.svc.a.cockroachdb.internal",
        "kubernetes.default.svc.b.cockroachdb.internal",
    ]
    assert environment["OUTSIDE"] == "registry.example"
    assert environment["SERVER"] == "$(COCKROACHDB_COREDNS_GATEWAY_SERVICE_HOST)"
    assert spec["enableServiceLinks"] is True
    assert spec["automountServiceAccountToken"] is False
    (service,) = (each for each in recording.of("core/v1:Service") if "gateway" in each.name)
    assert service.inputs["metadata"]["name"] == objects.GATEWAY


def test_what_the_new_servers_know_is_known_to_the_switch() -> None:
    recording = made()
    for looks in (recording.named("ReplacedDns", "x-replaced"), recording.named("ForeignEntries", "x-entries")):
        assert looks.inputs["known"] == ["corp.example", "lan.example", "hosts"]
        assert looks.inputs["written"] == ["a.cockroachdb.internal", "b.cockroachdb.internal"]
        assert looks.inputs["domain"] == "cluster.local"


@pytest.mark.parametrize(("dns_kind", "written"), [("kube-dns", ["kube-dns"]), ("coredns", ["coredns", "kube-dns"])])
@pytest.mark.parametrize("switch", [True, False])
def test_the_old_servers_know_every_regions_domain_and_so_do_caches_of_nodes(
    dns_kind: str, written: list[str], switch: bool
) -> None:
    forwards = made(dns_kind=dns_kind, switch=switch).of("DnsForwards")
    assert [each.inputs["kind"] for each in forwards] == written
    for each in forwards:
        assert each.inputs["forwards"] == {
            "a.cockroachdb.internal": ["10.1.16.53"],
            "b.cockroachdb.internal": ["10.2.16.53"],
        }


def test_without_the_switch_the_gateway_alone_is_there() -> None:
    whole, rolled_back = made(), made(switch=False)
    gone = {each.name for each in whole.resources} - {each.name for each in rolled_back.resources}
    (canary,) = whole.of("batch/v1:Job")
    assert gone == {
        "x-entries",
        "x-canary-account",
        "x-canary-scripts",
        canary.name,
        "x-primary-config",
        "x-primary",
        "x-kept",
        "x-replaced",
    }
    assert rolled_back.result == ["10.1.16.53"]
    for each in rolled_back.resources:
        assert each.inputs == whole.named(each.type, each.name).inputs


def test_a_region_says_whether_it_is_switched() -> None:
    settings, _ = plan(config({"strategyOptions": {"switch": False}}))
    assert [options.of_region(region).switch for region in settings.regions] == [False, True, True]


def test_servers_may_watch_services_and_no_secrets() -> None:
    (role,) = made().of("ClusterRole")
    assert {verb for rule in role.inputs["rules"] for verb in rule["verbs"]} == {"list", "watch"}
    watched = {each for rule in role.inputs["rules"] for each in rule["resources"]}
    assert watched == {"services", "namespaces", "endpointslices"}


@pytest.mark.parametrize("switch", [True, False])
def test_a_lost_regions_cluster_is_left_alone(switch: bool) -> None:
    recording = made(lost=True, switch=switch)
    assert {each.type.rpartition(":")[2] for each in recording.resources} == {
        "CorednsPrimary",
        "DnsForwards",
        "ReplacedDns",
    }
    assert all(each.inputs["lost"] for each in recording.resources if each.type.endswith(("Forwards", "ReplacedDns")))


def test_addresses_that_are_there_get_no_load_balancer() -> None:
    recording = made(dns_managed=False)
    assert [each.name for each in recording.of("core/v1:Service")] == ["x-gateway-service"]
    assert recording.result == ["10.1.16.53"]
