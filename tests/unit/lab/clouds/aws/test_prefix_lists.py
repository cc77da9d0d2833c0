"""Managed prefix lists, and the rules that name them."""

from __future__ import annotations

import re

import pytest

from lab.clouds.aws import tokens
from lab.clouds.kinds import Refused
from lab.clouds.store import Record
from tests.unit.lab.clouds.aws.places import Place, undeletable

SQL = {"ipProtocol": "tcp", "fromPort": 26257, "toPort": 26257}


def entries(count: int) -> list[dict[str, str]]:
    return [{"cidr": f"10.{number}.0.0/16"} for number in range(1, count + 1)]


def listed(place: Place, count: int = 2, name: str = "peers") -> Record:
    inputs = {"addressFamily": "IPv4", "maxEntries": count, "entries": entries(count)}
    return place.make(tokens.PREFIX_LIST, name, **inputs)


def test_it_grows_in_place(place: Place) -> None:
    made = listed(place)
    assert re.fullmatch(r"pl-[0-9a-f]{17}", made.id)
    assert made["version"] == 1
    assert place.aws.update(made, maxEntries=3, entries=entries(3))["version"] == 2
    made = place.aws.now(made)
    with pytest.raises(Refused, match="at most 3 entries"):
        place.aws.update(made, entries=entries(4))


def test_an_entry_is_there_once(place: Place) -> None:
    twice = [*entries(1), *entries(1)]
    said = place.refused(tokens.PREFIX_LIST, "peers", addressFamily="IPv4", maxEntries=2, entries=twice)
    assert "'10.1.0.0/16' is given more than once" in said


def test_it_stays_while_a_rule_names_it(place: Place) -> None:
    group, made = place.make(tokens.SECURITY_GROUP, "g", vpcId=place.vpc.id), listed(place)
    rule = place.make(tokens.INGRESS_RULE, "r", securityGroupId=group.id, prefixListId=made.id, **SQL)
    assert "is referenced" in undeletable(place.aws, made)
    place.aws.delete(rule)
    place.aws.delete(made)


def test_a_rule_that_names_one_counts_as_many_as_it_may_hold(place: Place) -> None:
    group, made = place.make(tokens.SECURITY_GROUP, "g", vpcId=place.vpc.id), listed(place, 59)
    place.make(tokens.INGRESS_RULE, "r", securityGroupId=group.id, prefixListId=made.id, **SQL)
    place.make(tokens.INGRESS_RULE, "o", securityGroupId=group.id, cidrIpv4="10.200.0.0/16", **SQL)
    said = place.refused(tokens.INGRESS_RULE, "p", securityGroupId=group.id, cidrIpv4="10.201.0.0/16", **SQL)
    assert "RulesPerSecurityGroupLimitExceeded" in said


def test_a_rule_is_refused_for_the_weight_of_its_list(place: Place) -> None:
    group, made = place.make(tokens.SECURITY_GROUP, "g", vpcId=place.vpc.id), listed(place, 59)
    for name, cidr in (("o", "10.200.0.0/16"), ("p", "10.201.0.0/16")):
        place.make(tokens.INGRESS_RULE, name, securityGroupId=group.id, cidrIpv4=cidr, **SQL)
    said = place.refused(tokens.INGRESS_RULE, "r", securityGroupId=group.id, prefixListId=made.id, **SQL)
    assert "RulesPerSecurityGroupLimitExceeded" in said


def test_a_list_grows_as_far_as_the_groups_that_name_it_have_room(place: Place) -> None:
    group, made = place.make(tokens.SECURITY_GROUP, "g", vpcId=place.vpc.id), listed(place, 20)
    for port in (26257, 8080):
        ports = {"ipProtocol": "tcp", "fromPort": port, "toPort": port}
        place.make(tokens.INGRESS_RULE, f"r{port}", securityGroupId=group.id, prefixListId=made.id, **ports)
    place.aws.update(made, maxEntries=30, entries=entries(30))
    made = place.aws.now(made)
    with pytest.raises(Refused, match="RulesPerSecurityGroupLimitExceeded"):
        place.aws.update(made, maxEntries=31, entries=entries(31))
    assert place.aws.update(made, maxEntries=2, entries=entries(2))["version"] == 3


def test_its_version_counts_changes_of_its_entries(place: Place) -> None:
    made = listed(place)
    assert place.aws.update(made, maxEntries=5)["version"] == 1
    assert place.aws.update(place.aws.now(made), entries=entries(3))["version"] == 2
