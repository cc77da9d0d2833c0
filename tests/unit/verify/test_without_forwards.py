"""Regions whose names the cloud answers: nothing is forwarded, so no forward is to blame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.verify import world
from tests.unit.verify.test_judge import update
from tests.unit.verify.world import EAST, WEST, answer, each_way, failed
from verify import judge
from verify.findings import Finding, Severity
from verify.target import Target


def target() -> Target:
    aim = world.target(platform="gke")
    return replace(
        aim,
        strategy="cloud-dns",
        regions=tuple(replace(region, dns_kind="cloud-dns", dns_addresses=(), forwards={}) for region in aim.regions),
    )


def findings(change: world.Break, aim: Target | None = None) -> tuple[Finding, ...]:
    aim = aim or target()
    measured = world.measure(aim)
    change(measured)
    return judge.judge(aim, measured.values()).findings


def test_a_healthy_world_is_green() -> None:
    assert findings(lambda _: None) == ()


def test_kube_dns_that_nobody_asks_is_not_missed() -> None:
    """GKE leaves it running beside Cloud DNS, and people scale it to nothing."""

    def unused(measured: world.World) -> None:
        for name, one in measured.items():
            measured[name] = replace(one, dns_servers=(0, 2))

    assert findings(unused) == ()


def test_a_region_where_cloud_dns_is_dead_finds_nobody() -> None:
    found = findings(update("names", EAST, None, udp=failed(), tcp=failed(), fresh=each_way(failed())))
    assert {(each.code, each.severity, each.source) for each in found} == {("dns-resolver", Severity.RED, EAST)}
    assert {each.target for each in found} == set(world.REGIONS)
    assert all("169.254.169.254" in each.fix for each in found)


@pytest.mark.parametrize(
    ("got", "code", "fix"),
    [
        (answer(rcode="NXDOMAIN"), "dns-name-unknown", "additiveVpcScopeDnsDomain"),
        (answer(rcode="SERVFAIL"), "dns-resolver", "outage"),
        (failed(), "dns-resolver", "outage"),
    ],
)
def test_one_regions_names_that_are_not_found(got: dict[str, object], code: str, fix: str) -> None:
    found = findings(update("names", EAST, WEST, udp=got, tcp=got, fresh=each_way(got)))
    assert {(each.code, each.source, each.target) for each in found} == {(code, EAST, WEST)}
    assert all(fix in each.fix for each in found)


def test_names_that_a_cloud_keeps_for_private_zone() -> None:
    aim = world.target(platform="eks")
    regions = tuple(replace(region, dns_addresses=(), forwards={}) for region in aim.regions)
    kept = replace(aim, strategy="private-zone", regions=regions)
    assert findings(lambda _: None, kept) == ()
    for got, code, fix in (
        (answer(rcode="NXDOMAIN"), "dns-name-unknown", "external-dns"),
        (answer(rcode="SERVFAIL"), "dns-resolver", "the VPC's DNS"),
    ):
        found = findings(update("names", EAST, WEST, udp=got, tcp=got, fresh=each_way(got)), kept)
        assert {each.code for each in found} == {code}
        assert all(fix in each.fix for each in found)
