"""`private-zone` where the cloud keeps the names: a zone for each region, seen by all, written by its own alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.strategies import strategy
from components.strategies.private_zone import route53
from tests.unit.recording import Recording
from tests.unit.stacks.test_clouds import raw, run

WORD = "private-zone"
CLOUDS = ("gke", "eks")


def config(stack: str, *regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = raw(stack)
    for region, own in zip(found["regions"], regions, strict=False):
        region.update(own)
    return {**found, "strategy": WORD, **more}


@pytest.fixture(scope="module")
def google() -> Recording:
    return run(config("gke"))


@pytest.fixture(scope="module")
def amazon() -> Recording:
    return run(config("eks"))


def container(made: Recording, region: str) -> dict[str, Any]:
    spec = made.named("Deployment", f"{region}-private-zone-deployment").inputs["spec"]
    (found,) = spec["template"]["spec"]["containers"]
    return found


def egress(made: Recording, region: str) -> dict[str, list[int]]:
    rules = made.named("NetworkPolicy", f"{region}-private-zone-egress").inputs["spec"]["egress"]
    return {rule["to"][0]["ipBlock"]["cidr"]: [port["port"] for port in rule["ports"]] for rule in rules}


@pytest.mark.parametrize("stack", CLOUDS)
def test_names_are_those_that_servers_would_have_and_nobody_is_forwarded_to(stack: str) -> None:
    _, addresses = plan(config(stack, strategyOptions={"zone": "db.example"}))
    for region in addresses.regions:
        assert region.private_zone == region.dns_zone == f"{region.name}.db.example"
        assert region.nodes[0].address == f"cockroachdb-0.{region.name}.db.example"
        assert region.forwards == {}
    assert addresses.to_json()["regions"][0]["privateZone"] == addresses.regions[0].private_zone


def test_servers_in_the_config_keep_the_names_on_every_platform() -> None:
    servers = {"servers": ["10.0.0.53"], "tsigKeyName": "key", "tsigSecret": {"secure": "v1:x"}}
    for stack in (*CLOUDS, "multicloud"):
        _, addresses = plan(config(stack, strategyOptions={"rfc2136": servers}))
        assert {region.private_zone for region in addresses.regions} == {None}
    made = run(config("multicloud", strategyOptions={"rfc2136": servers}))
    assert not made.of("managedZone:ManagedZone")
    assert not made.of("route53/zone:Zone")
    assert "dns.googleapis.com" not in {each.inputs["service"] for each in made.of("projects/service:Service")}


@pytest.mark.parametrize("stack", CLOUDS)
def test_a_first_preview_shows_the_whole_graph(stack: str) -> None:
    assert run(config(stack), known=False).graph() == run(config(stack)).graph()


def test_cloud_dns_has_a_zone_for_each_region_that_the_one_vpc_sees(google: Recording) -> None:
    zones = google.of("dns/managedZone:ManagedZone")
    assert {zone.inputs["dnsName"] for zone in zones} == {
        f"{region}.crdb.internal." for region in ("us-east1", "us-central1", "us-west1")
    }
    for zone in zones:
        assert zone.inputs["visibility"] == "private"
        assert zone.inputs["privateVisibilityConfig"] == {"networks": [{"networkUrl": "gcp-id"}]}
        assert zone.inputs["forceDestroy"] is True, "records are left in it (upsert-only)"
    apis = {each.inputs["service"] for each in google.of("projects/service:Service")}
    assert {"dns.googleapis.com", "iamcredentials.googleapis.com"} <= apis


def test_every_vpc_of_a_peered_network_sees_every_zone() -> None:
    gcp = {**raw("gke")["gcp"], "network": "peered"}
    zones = run(config("gke", gcp=gcp)).of("dns/managedZone:ManagedZone")
    assert len(zones) == 3
    for zone in zones:
        shown = zone.inputs["privateVisibilityConfig"]["networks"]
        assert [each["networkUrl"] for each in shown] == ["us-east1-id", "us-central1-id", "us-west1-id"]


def test_an_account_of_google_writes_to_its_regions_zone_and_is_that_external_dns_alone(google: Recording) -> None:
    for region in ("us-east1", "us-central1", "us-west1"):
        account = google.named("serviceaccount/account:Account", f"{region}-names-writer")
        enabled = {made.urn for made in google.of("projects/service:Service")}
        assert enabled
        assert enabled <= google.reaches(account.urn), "in a new project its API is not on yet"
        who = google.named("serviceaccount/iAMMember:IAMMember", f"{region}-names-writer").inputs
        assert who["role"] == "roles/iam.workloadIdentityUser"
        assert who["member"] == f"serviceAccount:my-project-123456.svc.id.goog[{region}/external-dns]"
        member = f"member-{region}-names-writer"
        grants = {
            (each.type.rpartition(":")[2], each.inputs["role"], each.inputs.get("managedZone"))
            for each in google.resources
            if each.inputs.get("member") == member
        }
        assert grants == {
            ("DnsManagedZoneIamMember", "roles/dns.admin", f"name-{region}-names-zone"),
            ("IAMMember", "roles/dns.reader", None),
        }
        kubernetes = google.named("v1:ServiceAccount", f"{region}-private-zone-account").inputs
        assert kubernetes["metadata"]["annotations"] == {
            "iam.gke.io/gcp-service-account": f"email-{region}-names-writer"
        }
        assert account.inputs["accountId"] != google.named("Account", f"{region}-nodes").inputs["accountId"]


def test_external_dns_finds_its_regions_zone_in_google(google: Recording) -> None:
    found = container(google, "us-east1")
    assert {
        "--provider=google",
        "--google-project=my-project-123456",
        "--google-zone-visibility=private",
        "--zone-id-filter=name-us-east1-names-zone",
        "--domain-filter=us-east1.crdb.internal",
        "--txt-owner-id=cockroachdb-multiregion.dev.us-east1",
        "--policy=upsert-only",
    } <= set(found["args"])
    assert not any("rfc2136" in word for word in found["args"])
    assert found["env"] == []
    assert egress(google, "us-east1") == {"0.0.0.0/0": [443], "169.254.169.254/32": [80]}


def test_the_account_is_given_once_the_clusters_pool_is_there(google: Recording) -> None:
    """Google refuses a member of a pool that no cluster of the project has made yet."""
    for region in ("us-east1", "us-central1", "us-west1"):
        binding = google.named("serviceaccount/iAMMember:IAMMember", f"{region}-names-writer").urn
        assert google.named("container/cluster:Cluster", f"{region}-cluster").urn in google.reaches(binding)


def test_route_53_has_a_zone_for_each_region_that_every_vpc_sees(amazon: Recording) -> None:
    regions = ("us-east-1", "us-east-2", "us-west-2")
    zones = amazon.of("route53/zone:Zone")
    assert {zone.inputs["name"] for zone in zones} == {f"{region}.crdb.internal" for region in regions}
    for zone in zones:
        assert zone.inputs["vpcs"] == [{"vpcId": f"{region}-vpc-id", "vpcRegion": region} for region in regions]
        assert zone.inputs["forceDestroy"] is True
        assert zone.provider.split("::")[-2] == "aws"
    for vpc in amazon.of("ec2/vpc:Vpc"):
        assert (vpc.inputs["enableDnsSupport"], vpc.inputs["enableDnsHostnames"]) == (True, True)
    assert not amazon.of("ZoneAssociation"), "these and the zone's own VPCs would undo each other"


def test_a_role_of_amazon_writes_to_its_regions_zone_and_is_that_external_dns_alone(amazon: Recording) -> None:
    for region in ("us-east-1", "us-east-2", "us-west-2"):
        who = amazon.named("PodIdentityAssociation", f"{region}-names-writer").inputs
        assert who == {
            "region": region,
            "clusterName": f"name-{region}-cluster",
            "namespace": region,
            "serviceAccount": "external-dns",
            "roleArn": f"arn-{region}-names-writer",
        }
        rights = amazon.named("iam/rolePolicy:RolePolicy", f"{region}-names-writer").inputs
        assert rights["role"] == f"name-{region}-names-writer"
        assert json.loads(rights["policy"]) == json.loads(route53.policy(f"arn-{region}-names-zone"))


def test_rights_in_route_53_are_for_one_zone_and_take_nothing_away() -> None:
    statements = json.loads(route53.policy("arn:aws:route53:::hostedzone/Z1"))["Statement"]
    by_action = {action: statement for statement in statements for action in statement["Action"]}
    assert by_action.keys() == {
        "route53:ChangeResourceRecordSets",
        "route53:ListResourceRecordSets",
        "route53:ListHostedZones",
    }
    assert by_action["route53:ChangeResourceRecordSets"]["Resource"] == ["arn:aws:route53:::hostedzone/Z1"]
    condition = by_action["route53:ChangeResourceRecordSets"]["Condition"]["ForAllValues:StringEquals"]
    assert "DELETE" not in condition["route53:ChangeResourceRecordSetsActions"]
    assert condition["route53:ChangeResourceRecordSetsRecordTypes"] == ["A", "TXT"]


def test_external_dns_finds_its_regions_zone_in_route_53(amazon: Recording) -> None:
    found = container(amazon, "us-east-2")
    assert {
        "--provider=aws",
        "--aws-zone-type=private",
        "--zone-id-filter=Z-us-east-2-names-zone",
        "--domain-filter=us-east-2.crdb.internal",
        "--policy=upsert-only",
    } <= set(found["args"])
    assert found["env"] == [{"name": "AWS_REGION", "value": "us-east-2"}]
    assert egress(amazon, "us-east-2") == {"0.0.0.0/0": [443], "169.254.170.23/32": [80]}


def test_external_dns_starts_once_it_is_known_as_who_it_is(amazon: Recording, google: Recording) -> None:
    """A pod that is born before its Pod Identity association has no credentials, ever."""
    for made, region, kind in (
        (amazon, "us-east-1", "PodIdentityAssociation"),
        (google, "us-east1", "serviceaccount/iAMMember:IAMMember"),
    ):
        reached = made.reaches(made.named("Deployment", f"{region}-private-zone-deployment").urn)
        assert made.named(kind, f"{region}-names-writer").urn in reached


@pytest.mark.parametrize("stack", CLOUDS)
def test_no_region_waits_for_anothers_cluster(stack: str) -> None:
    made = run(config(stack))
    clusters = {
        each.urn: each.name for kind in ("container/cluster:Cluster", "eks/cluster:Cluster") for each in made.of(kind)
    }
    for each in (*made.of("Deployment"), *made.of("anagedZone"), *made.of("route53/zone:Zone")):
        waited = {name for urn, name in clusters.items() if urn in made.reaches(each.urn)}
        assert len(waited) <= 1, each.urn


@pytest.mark.parametrize("stack", CLOUDS)
def test_nothing_in_the_clusters_dns_is_touched_and_no_secret_made(stack: str) -> None:
    made = run(config(stack))
    assert not made.of("DnsForwards")
    assert not [each.name for each in made.of("v1:Secret") if "private-zone" in each.name]
    for addon in made.of("eks/addon:Addon"):
        if addon.inputs["addonName"] == "coredns":
            assert "crdb.internal" not in addon.inputs["configurationValues"]


def test_others_stub_domains_stay_in_the_corefile() -> None:
    _, addresses = plan(config("eks", dns={"extraStubDomains": {"corp.example": ["192.0.2.1"]}}))
    assert {tuple(region.forwards) for region in addresses.regions} == {("corp.example",)}


@pytest.mark.parametrize(("stack", "kind"), [("gke", "managedZone:ManagedZone"), ("eks", "route53/zone:Zone")])
def test_a_lost_regions_zone_stays_and_a_removed_ones_goes(stack: str, kind: str) -> None:
    for state, count in (("lost", 3), ("removed", 2)):
        found = config(stack, {}, {}, {"state": state}, databases=[])
        gone = found["regions"][2]["name"]
        made = run(found)
        assert len(made.of(kind)) == count
        assert [each.name for each in made.of("Deployment") if each.name.startswith(f"{gone}-private-zone")] == []
        if stack == "eks":
            seen_by = {len(zone.inputs["vpcs"]) for zone in made.of(kind)}
            assert seen_by == {count}


def test_a_lost_region_on_another_cloud_does_not_decide_who_keeps_the_names() -> None:
    found = config("multicloud", databases=[])
    for region in found["regions"]:
        if region["platform"] == "eks":
            region["state"] = "lost"
    _, addresses = plan(found)
    kept = {region.platform: region.private_zone is not None for region in addresses.regions}
    assert kept == {"gke": True, "eks": False}


def test_cloud_dns_in_the_clusters_is_no_reason_to_refuse_names_that_it_has() -> None:
    _, addresses = plan(config("gke", *[{"dns": {"kind": "cloud-dns"}}] * 3))
    assert all(region.private_zone for region in addresses.regions)


def test_two_clouds_have_nobody_who_keeps_the_names_of_both() -> None:
    with pytest.raises(ConfigError, match=r"strategyOptions\.rfc2136: missing, and regions are on gke and eks"):
        plan(config("multicloud"))


def test_no_other_strategy_has_zones_in_clouds() -> None:
    for stack in CLOUDS:
        settings, addresses = plan(raw(stack))
        assert {region.private_zone for region in addresses.regions} == {None}
        assert strategy(settings.strategy).private_zone(settings, settings.regions[0]) is None


def test_a_clouds_sdk_is_imported_where_it_keeps_the_names_alone() -> None:
    package = Path(route53.__file__).parent
    for module in package.glob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert ("pulumi_gcp" in text, "pulumi_aws" in text) == (module.stem == "google", module.stem == "route53")
