"""Name servers outside of the regions: who is primary, what the key may do, and that they stay as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab import nameservers, network
from lab.lifecycle import merge_servers
from lab.paths import LabPaths
from lab.shell import LabError
from lab.world import Nameserver, World, load, read_nameservers

SERVERS = tuple(Nameserver(f"10.0.{n}.53", "crdb.internal", 53, "key", "hmac-sha256") for n in range(3))
WORLD = World("dev", "abcdef", 3, (), SERVERS[:2])


def test_a_stack_file_asks_for_them(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    asked = {"rfc2136": {"servers": ["10.0.0.53", "10.0.1.53"], "tsigKeyName": "key"}}
    file.write_text(yaml.safe_dump({"config": {"cockroachdb-multiregion:strategyOptions": asked}}))
    assert read_nameservers(file) == SERVERS[:2]
    file.write_text("config: {}")
    assert read_nameservers(file) == ()


def test_the_first_is_primary_and_the_key_changes_names_below_the_zone_alone() -> None:
    primary, secondary = (nameservers.configuration(WORLD, each, Path("/x"), "secret") for each in SERVERS[:2])
    assert 'update-policy { grant "key" zonesub A TXT; };' in primary
    assert "also-notify { 10.0.1.53; };" in primary
    assert "update-policy" not in secondary
    assert 'primaries { 10.0.0.53 key "key"; };' in secondary
    for text in (primary, secondary):
        assert 'allow-transfer { key "key"; };' in text
        assert "recursion no;" in text


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    paths = LabPaths("mine", tmp_path / "mine")
    secret = nameservers.secret(paths)
    assert nameservers.secret(paths) == secret
    assert paths.tsig_key.stat().st_mode & 0o777 == 0o600
    assert secret not in WORLD.dump()


def test_those_that_run_stay_in_their_places() -> None:
    assert load(WORLD.dump()) == WORLD
    assert merge_servers((), SERVERS[:2]) == SERVERS[:2]
    assert merge_servers(SERVERS[:1], SERVERS) == SERVERS
    assert merge_servers(SERVERS[:2], ()) == SERVERS[:2]
    with pytest.raises(LabError, match="take the lab down first"):
        merge_servers(SERVERS[:1], (replace(SERVERS[0], zone="other"),))


def test_one_that_is_lost_is_reached_by_nobody() -> None:
    rules = network.core_rules(WORLD, frozenset(), frozenset({"10.0.1.53"}))
    assert 'iifname "names1" drop' in rules
    assert "names0" not in rules
