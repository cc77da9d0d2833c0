"""The fabric as text that nft and ip take."""

from __future__ import annotations

from dataclasses import replace

from lab.clouds import render
from lab.clouds.fabric import Filter, Router, Rule, Snat
from tests.unit.lab.clouds.fabrics import aws, gcp, made


def test_routes_of_every_table_and_nothing_else() -> None:
    router = made(None, aws())["eks-3"]
    lines = render.routes(router, "100.64.2.1", "100.65.2.0/28")
    table = next(table for table in router.tables if table.name == "rtb-30")
    assert f"rule pref 1000 from 10.3.128.0/20 lookup {table.number}" in lines
    assert f"rule pref 900 fwmark {table.number} lookup {table.number}" in lines
    assert f"route 10.4.128.0/17 via 100.64.2.1 table {table.number}" in lines
    assert f"route throw 10.3.128.0/17 table {table.number}" in lines
    assert f"route unreachable default table {table.number}" in lines
    assert render.core_routes(router, "100.64.2.2") == ["route 10.3.128.0/17 via 100.64.2.2"]
    assert lines == sorted(lines, key=lambda line: line.startswith("rule"))


def test_a_table_keeps_its_number_whatever_others_there_are() -> None:
    numbers = {table.name: table.number for table in made(None, aws())["eks-3"].tables}
    assert len(set(numbers.values())) == len(numbers)
    assert all(1000 <= number < 2**32 for number in numbers.values())


def test_balancers_send_on_and_answer_by_their_own_subnet() -> None:
    text = render.rules(made(None, aws())["eks-3"])
    assert "10.3.240.53 . udp . 53 : goto to_" in text
    assert "dnat ip to numgen random mod 2 map { 0 : 10.3.128.10, 1 : 10.3.144.10 } : 30053" in text
    assert "ct direction reply meta mark set ct mark" in text
    assert "policy drop" in text


def test_a_balancer_without_targets_drops() -> None:
    router = made(None, aws())["eks-3"]
    silent = replace(router, balancers=tuple(replace(each, targets=()) for each in router.balancers))
    assert "dnat" not in render.rules(silent).replace("ct status dnat", "")


def test_faults_are_rules() -> None:
    router = made(gcp())["us-east1-c"]
    assert "proto-dst 53 counter drop" not in render.rules(router)
    assert "ct original ip daddr { 10.1.16.0/24 } meta l4proto udp" in render.rules(router, unbalanced=True)


def test_sets_have_no_overlaps() -> None:
    rule = Rule(sources=("10.0.0.0/8", "10.1.0.0/16"), protocol="tcp", ports=("80", "1-100", "101", "443"))
    text = render.rules(Router("r", filters=(Filter(("10.1.0.10",), (rule,)),)))
    assert "ip saddr { 10.0.0.0/8 } meta l4proto tcp th dport { 1-101, 443 } counter accept" in text


def test_snat_is_for_what_leaves_the_region() -> None:
    text = render.rules(Router("r", snats=(Snat("10.3.129.0/24", "10.3.128.10", ("10.3.128.0/17",)),)))
    assert (
        'oifname "core" ip daddr != { 10.3.128.0/17 } snat ip to ip saddr map { 10.3.129.0/24 : 10.3.128.10 }' in text
    )


def test_a_router_without_records_lets_nothing_through() -> None:
    text = render.rules(Router("r"))
    assert 'oifname "core" drop' in text
    assert text.count("accept") == 4
