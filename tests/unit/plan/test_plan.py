"""The plan of the dev stack and of configs near it."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.plan.layout import MAX_EKS_ZONES, cut, default_range, eks_zones
from components.plan.model import DnsKind, RegionState, RestoredFrom
from components.plan.parse import parse
from components.plan.rules import complain
from components.strategies import AVAILABLE, strategy
from components.strategies.base import CertificateSource
from stacks.settings import from_stack_file
from tests.lab.strategies import scene, stack_options

ROOT = Path(__file__).parents[3]


def config(*names: str, **top: Any) -> dict[str, Any]:
    listed = [
        {"name": name, "dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig", "context": name}
        for name in names or ("us-east1", "us-central1", "us-west1")
    ]
    return {"regions": listed, **top}


def test_dev_stack() -> None:
    settings, addresses = from_stack_file(ROOT / "Pulumi.dev.yaml")
    assert [region.name for region in addresses.regions] == ["us-east1", "us-central1", "us-west1"]
    assert addresses.to_json()["regions"][0] == {
        "name": "us-east1",
        "namespace": "us-east1",
        "platform": "existing",
        "state": "active",
        "drainingNodes": 0,
        "cidr": "10.1.0.0/16",
        "nodeCidr": "10.1.0.0/20",
        "podCidr": "10.1.128.0/17",
        "serviceCidr": "10.1.32.0/20",
        "dnsZone": "us-east1.svc.cluster.local",
        "dnsAddresses": ["10.1.16.53"],
        "sqlAddress": "10.1.16.26",
        "sqlAddresses": ["10.1.16.26"],
        "balancers": [
            {"kind": "dns", "name": "dns", "addresses": ["10.1.16.53"]},
            {"kind": "sql", "name": "sql", "addresses": ["10.1.16.26"]},
        ],
        "zones": ["us-east1-a", "us-east1-b", "us-east1-c"],
        "nodes": [
            {
                "name": f"cockroachdb-{n}",
                "address": f"cockroachdb-{n}.cockroachdb.us-east1.svc.cluster.local",
                "port": 26257,
                "httpPort": 8080,
            }
            for n in range(3)
        ],
        "hosts": {},
        "privateZone": None,
        "forwards": {
            "us-central1.svc.cluster.local": ["10.2.16.53"],
            "us-west1.svc.cluster.local": ["10.3.16.53"],
        },
        "certificateNames": [
            "localhost",
            "127.0.0.1",
            "cockroachdb-public",
            "cockroachdb-public.us-east1",
            "cockroachdb-public.us-east1.svc.cluster.local",
            "cockroachdb-sql",
            "cockroachdb-sql.us-east1",
            "cockroachdb-sql.us-east1.svc.cluster.local",
            "*.cockroachdb",
            "*.cockroachdb.us-east1",
            "*.cockroachdb.us-east1.svc.cluster.local",
            "10.1.16.26",
        ],
    }
    assert addresses.to_json()["ports"][0] == {
        "name": "sql",
        "protocol": "TCP",
        "first": 26257,
        "last": 26257,
        "sources": ["pods"],
        "to": "pods",
    }
    assert len(addresses.join_addresses) == 9
    assert settings.databases[0].regions == ("us-east1", "us-central1", "us-west1")


@pytest.mark.parametrize(
    ("network", "index", "expected"),
    [
        ("10.0.0.0/8", 0, "10.1.0.0/16"),
        ("10.0.0.0/8", 254, "10.255.0.0/16"),
        ("10.0.0.0/8", 255, None),
        ("172.16.0.0/12", 0, "172.17.0.0/16"),
        ("10.1.0.0/16", 0, None),
        ("10.1.0.0/24", 0, None),
    ],
)
def test_default_range(network: str, index: int, expected: str | None) -> None:
    found = default_range(IPv4Network(network), index)
    assert (None if found is None else str(found)) == expected


def test_cut() -> None:
    parts = cut(IPv4Network("10.7.0.0/16"))
    assert [str(part) for part in (parts.nodes, parts.balancers, parts.control_plane, parts.services, parts.pods)] == [
        "10.7.0.0/20",
        "10.7.16.0/24",
        "10.7.17.0/28",
        "10.7.32.0/20",
        "10.7.128.0/17",
    ]
    assert (str(parts.dns_address), str(parts.sql_address)) == ("10.7.16.53", "10.7.16.26")


def cloud(platform: str, *locations: str, **top: Any) -> dict[str, Any]:
    between = "-" if platform == "gke" else ""
    listed = [{"name": name, "zones": [f"{name}{between}{zone}" for zone in "abc"]} for name in locations]
    return {"platform": platform, "gcp": {"project": "my-project-123456"}, "regions": listed, **top}


def test_a_region_on_eks() -> None:
    settings, addresses = plan(cloud("eks", "us-east-1", "us-west-2"))
    region = addresses.to_json()["regions"][1]
    picked = ("nodeCidr", "podCidr", "serviceCidr", "dnsAddresses", "sqlAddress", "sqlAddresses", "zones")
    assert {key: region[key] for key in picked} == {
        "nodeCidr": "10.2.128.0/17",
        "podCidr": "10.2.128.0/17",
        "serviceCidr": "10.2.32.0/20",
        "dnsAddresses": ["10.2.240.53", "10.2.240.117", "10.2.240.181"],
        "sqlAddress": "10.2.240.26",
        "sqlAddresses": ["10.2.240.26", "10.2.240.90", "10.2.240.154"],
        "zones": ["us-west-2a", "us-west-2b", "us-west-2c"],
    }
    assert region["certificateNames"][-3:] == region["sqlAddresses"]
    assert addresses.region("us-east-1").forwards["us-west-2.svc.cluster.local"] == tuple(region["dnsAddresses"])
    assert settings.gcp is None
    assert settings.aws is not None
    assert (settings.regions[0].dns_kind, settings.regions[0].kubeconfig) == (DnsKind.COREDNS, None)


def test_a_region_on_gke() -> None:
    settings, addresses = plan(cloud("gke", "us-east1"))
    region = addresses.region("us-east1")
    assert [str(part) for part in (region.node_cidr, region.pod_cidr, region.service_cidr)] == [
        "10.1.0.0/20",
        "10.1.128.0/17",
        "10.1.32.0/20",
    ]
    assert (region.dns_addresses, region.sql_addresses) == (("10.1.16.53",), ("10.1.16.26",))
    assert settings.aws is None
    assert settings.gcp is not None
    assert settings.gcp.deletion_protection
    assert settings.regions[0].dns_kind is DnsKind.KUBE_DNS


def test_subnets_of_an_eks_zone() -> None:
    first, last = (eks_zones(IPv4Network("10.7.0.0/16"), MAX_EKS_ZONES)[place] for place in (0, -1))
    assert [str(part) for part in (first.private, first.public, first.balancers)] == [
        "10.7.128.0/20",
        "10.7.224.0/24",
        "10.7.240.0/26",
    ]
    assert [str(part) for part in (last.private, last.public, last.balancers)] == [
        "10.7.208.0/20",
        "10.7.229.0/24",
        "10.7.241.64/26",
    ]


def test_other_peoples_zones_are_forwarded_on_eks_alone() -> None:
    asked = cloud("eks", "us-east-1", "us-west-2", dns={"extraStubDomains": {"corp.example": ["192.0.2.53"]}})
    asked["regions"].append(config("home")["regions"][0] | {"platform": "existing"})
    _, addresses = plan(asked)
    for region in addresses.regions:
        assert ("corp.example" in region.forwards) is (region.platform == "eks")
    assert addresses.region("us-west-2").forwards["corp.example"] == ("192.0.2.53",)


def test_a_removed_region_asks_for_nothing_of_its_cloud() -> None:
    asked = config("a")
    asked["regions"] += [{"name": "b", "platform": "gke", "state": "removed"}]
    asked["regions"] += [{"name": "c", "platform": "eks", "state": "removed"}]
    settings, addresses = plan(asked)
    assert (settings.gcp, settings.aws) == (None, None)
    assert len(addresses.region("c").sql_addresses) == 1


def test_a_lost_region_is_forwarded_to_by_nobody_and_joined_by_nobody() -> None:
    asked = config("a", "b", "c")
    asked["regions"][2] = {"name": "c", "state": "lost"}
    _, addresses = plan(asked)
    assert addresses.region("c").nodes == ()
    assert dict(addresses.region("c").forwards) == {}
    assert list(addresses.region("a").forwards) == ["b.svc.cluster.local"]
    assert not any(".c." in address for address in addresses.join_addresses)
    assert addresses.region("c").dns_addresses == ("10.3.16.53",)


def test_a_draining_region_is_still_joined() -> None:
    asked = config("a", "b", "c")
    asked["regions"][2]["state"] = "draining"
    settings, addresses = plan(asked)
    assert settings.regions[2].state is RegionState.DRAINING
    assert any(".c." in address for address in addresses.join_addresses)
    assert "c.svc.cluster.local" in addresses.region("a").forwards


def test_existing_clusters_with_their_own_ranges() -> None:
    asked = config("a", "b", "c")
    for index, region in enumerate(asked["regions"]):
        region |= {
            "nodeCidr": f"192.168.{16 * index}.0/20",
            "podCidr": f"100.{64 + index}.0.0/16",
            "serviceCidr": "10.96.0.0/12",
            "dnsAddresses": [f"192.168.{16 * index}.53"],
            "sqlAddress": f"192.168.{16 * index}.26",
        }
    _, addresses = plan(asked)
    assert str(addresses.region("b").service_cidr) == "10.96.0.0/12"
    assert dict(addresses.region("a").forwards)["b.svc.cluster.local"] == ("192.168.16.53",)


def test_dns_servers_that_are_there_already_may_be_anywhere() -> None:
    asked = config("a", "b", "c")
    asked["regions"][0] |= {"dnsManaged": False, "dnsAddresses": ["192.0.2.53", "192.0.2.54"]}
    settings, _ = plan(asked)
    assert settings.regions[0].dns_managed is False


def test_values_that_yaml_types_for_itself() -> None:
    """Quantities and settings may be numbers or booleans in YAML; they are texts in SQL and Kubernetes."""
    cockroachdb = {
        "resources": {"cpu": 2, "memory": "4Gi"},
        "cache": 0.2,
        "clusterSettings": {"server.time_until_store_dead": "5m", "kv.rangefeed.enabled": True, "a.b": 7},
    }
    settings, _ = plan(config(cockroachdb=cockroachdb))
    assert settings.cockroachdb.resources.cpu == "2"
    assert settings.cockroachdb.cache == "0.2"
    assert settings.cockroachdb.cluster_settings == {
        "server.time_until_store_dead": "5m",
        "kv.rangefeed.enabled": "true",
        "a.b": "7",
    }


@pytest.mark.parametrize("schedule", ["@daily", "0 3 * * *", "*/15 0-6/2 1,15 jan-mar mon-fri", "5 4 * * 7"])
@pytest.mark.parametrize(
    "uri", ["gs://b/p?AUTH=implicit", "s3://b/p?AUTH=implicit&AWS_REGION=x", "external://store/path"]
)
def test_good_backups(schedule: str, uri: str) -> None:
    draft, log = parse(config(backup={"uri": uri, "schedule": schedule}))
    assert log.problems == []
    assert draft.settings.backup is not None
    assert (draft.settings.backup.uri, draft.settings.backup.schedule) == (uri, schedule)


def restored_from(source: object, **more: Any) -> RestoredFrom | None:
    databases = [{"name": "copy", "owner": "app", "restoredFrom": source}]
    draft, log = parse(config(databases=databases, **more))
    assert log.problems == []
    return draft.settings.databases[0].restored_from


def test_a_restore_is_asked_for_by_an_object_whatever_is_in_it() -> None:
    uri = "gs://b/p?AUTH=implicit"
    assert restored_from(None) is None
    assert restored_from({}, backup={"uri": uri}) == RestoredFrom("copy", uri, "LATEST", None)
    given = {
        "database": "Bank",
        "uri": "external://x",
        "backup": "/2026/11/26-030000.00",
        "at": "2026-11-26 03:10:00.5",
    }
    assert restored_from(given) == RestoredFrom(*given.values())


def test_foreign_dns_entries() -> None:
    dns = {
        "extraStubDomains": {"corp.example": ["192.0.2.53"]},
        "extraServerBlocks": "# home {\nhome.example:53 {\n  forward . 192.0.2.1 {\n    max_fails 1\n  }\n}\n",
    }
    draft, log = parse(config(dns=dns))
    assert log.problems == []
    assert draft.settings.dns.extra_stub_domains == {"corp.example": ("192.0.2.53",)}
    assert draft.settings.dns.extra_server_blocks == dns["extraServerBlocks"]


@pytest.mark.parametrize("value", ["4", "500m", "1.5", "+2", "16Gi", "1e3", "2E6", "100G", ".5", "2."])
def test_quantities_that_kubernetes_parses(value: str) -> None:
    assert complain("quantity", value) is None


@pytest.mark.parametrize("value", ["", "Gi", "1 Gi", "16GB", "1ki", "1K", "0", "-1", "1e", "1.2.3", "0x10", "\u0661"])
def test_quantities_that_kubernetes_refuses(value: str) -> None:
    assert complain("quantity", value) is not None


def test_the_secret_license_is_not_in_the_settings() -> None:
    settings, _ = plan(config(cockroachdb={"license": "crl-0-VERYSECRET", "organization": "Bank"}))
    assert "VERYSECRET" not in repr(settings)


def test_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        plan({"regions": [{"name": "A"}, {"name": "B"}], "x": 1})
    assert len(refused.value.problems) >= 9
    assert str(refused.value).count("\n") == len(refused.value.problems) - 1


def test_every_available_strategy_answers_the_whole_interface() -> None:
    for name in AVAILABLE:
        usual = {**config("a", "b", "c"), "strategy": name, "strategyOptions": stack_options(name)}
        try:
            settings, _ = plan(usual)
        except ConfigError:  # for clusters of another platform
            settings, _ = plan({**scene(name).config(1), "strategy": name})
        chosen = strategy(name)
        assert chosen.name == name
        region = settings.regions[0]
        identity = chosen.pod_identity(region)
        at_run_time = identity.certificate_source is CertificateSource.APPROVED
        assert at_run_time == (chosen.certificate_names(region) is None) == (chosen.node_address(region, 2) is None)
        if identity.advertise_host is not None and not at_run_time:
            assert identity.advertise_host.replace("$(POD_NAME)", "cockroachdb-2") == chosen.node_address(region, 2)
        open_to_others = {
            number
            for port in chosen.ports()
            if port.protocol == "TCP"
            for number in range(port.number, (port.last or port.number) + 1)
        }
        assert set(chosen.advertised_ports(region, 2)) <= open_to_others
        kinds = {balancer.kind for balancer in chosen.balancers(region)}
        called = {port.to for port in chosen.ports()}
        assert kinds <= called, "no load balancer that nobody calls"
        # Where a region's own options decide whether it has any, ports may lead to those that these have not.
        assert not kinds or called <= {"pods", "nodes", "api-servers", *kinds}
