"""Check, compare, create, update and delete, with a kind of the test's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.clouds.kinds import KINDS, UNKNOWN, Cloud, Kind, Refused, Times
from lab.clouds.operations import Difference, HalfMade, Operations, changes
from lab.clouds.store import FAILED, READY, Record, Store
from lab.clouds.times import Clock
from tests.unit.lab.clouds.world import FakeSubstrate, World

TOKEN = "gcp:compute/network:Network"


class Thing(Kind):
    token = TOKEN
    times = Times(create=1, update=1, delete=1)
    auto_name = "name"
    auto_name_length = 20
    replaces = frozenset({"description", "params.resourceManagerTags"})
    computed = ("selfLink",)
    defaults = {"mtu": 1460}  # noqa: RUF012
    broken = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if inputs.get("mtu") == 1:
            yield "mtu", "too small"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        if inputs["mtu"] == 2:
            raise Refused("two is refused")
        return inputs["name"], {"selfLink": f"https://{inputs['name']}"}

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        if self.broken:
            raise KeyError("nobody foresaw this")
        return {"networkId": "7"}

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record["mtu"] == 3:
            raise Refused("three is in use")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(KINDS, TOKEN, Thing())
    return World(tmp_path, "gcp", {"project": "p"})


def test_check_names_fills_in_and_refuses(world: World) -> None:
    inputs, found = world.check(TOKEN, "East")
    assert found == []
    assert inputs["mtu"] == 1460
    assert inputs["name"][:5] == "east-"
    assert len(inputs["name"]) == 12
    assert world.check(TOKEN, "East")[0] == inputs
    assert world.operations.check(TOKEN, "East", {"name": "kept"}, {}, b"other")[0]["name"] == "kept"
    assert world.check(TOKEN, "x", mtu=1)[1] == [("mtu", "too small")]
    assert world.check(TOKEN, "x", mtus=1)[1] == [("mtus", "unknown property")]
    assert world.check(TOKEN, "x" * 20)[1][0][0] == "name"
    assert "no model" in world.check("gcp:compute/disk:Disk", "x")[1][0][1]


def test_a_resource_lives(world: World) -> None:
    record = world.create(TOKEN, "east")
    assert record.phase == READY
    assert record["selfLink"] == f"https://{record.id}"
    assert record["networkId"] == "7"
    changed = world.update(record, mtu=1500)
    assert (changed["mtu"], changed["selfLink"]) == (1500, record["selfLink"])
    world.delete(record)
    world.delete(record)
    assert world.operations.read(TOKEN, record.id) is None
    assert world.substrate.reshaped == 3


def test_what_is_refused_is_not_there(world: World) -> None:
    with pytest.raises(Refused, match="two is refused"):
        world.create(TOKEN, "east", mtu=2)
    record = world.create(TOKEN, "east", mtu=3)
    with pytest.raises(Refused, match="three is in use"):
        world.delete(record)
    assert world.now(record).phase == READY
    with pytest.raises(Refused, match="already exists"):
        world.create(TOKEN, "west", name=record.id)


def test_what_breaks_half_way_stays_to_be_deleted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Thing, "broken", True)
    with pytest.raises(HalfMade, match="nobody foresaw this") as caught:
        world.create(TOKEN, "east")
    assert world.now(caught.value.record).phase == FAILED
    world.delete(caught.value.record)
    assert world.store.snapshot()["gcp"].all() == []


def test_a_cancelled_creation_is_half_made(tmp_path: Path, world: World) -> None:
    clock = Clock(100)
    operations = Operations("gcp", Store(tmp_path), FakeSubstrate(), clock)
    clock.cancel()
    with pytest.raises(HalfMade, match="cancelled"):
        operations.create(TOKEN, "east", {"name": "east", "mtu": 1460})


def test_compare(world: World) -> None:
    def compare(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
        return world.operations.compare(TOKEN, "East", olds, news)

    assert compare({"name": "n", "mtu": 1}, {"name": "n", "mtu": 1}).changed == ()
    assert compare({"name": "n", "mtu": 1}, {"name": "n", "mtu": UNKNOWN}).changed == ("mtu",)
    found = compare({}, {"params": {"resourceManagerTags": {"a": "b"}}})
    assert found.replacing == ("params.resourceManagerTags.a",)


@pytest.mark.parametrize(
    ("name", "first"), [("n", True), ("east-coast", True), ("east-0123abc", False), ("west-0123abc", True)]
)
def test_what_named_itself_goes_after_its_successor_has_come(world: World, name: str, first: bool) -> None:
    olds = {"name": name, "description": "a", "mtu": 1}
    found = world.operations.compare(TOKEN, "East", olds, {**olds, "description": "b"})
    assert (found.replacing, found.delete_first) == (("description",), first)
    assert world.operations.compare(TOKEN, "East", olds, {**olds, "mtu": 2}).delete_first is False


def test_previews(world: World) -> None:
    assert world.operations.preview(TOKEN, {"mtu": 1}) == {"mtu": 1, "selfLink": UNKNOWN, "id": UNKNOWN}
    assert world.operations.preview(TOKEN, {"mtu": 1}, {"mtu": 0, "selfLink": "x"}) == {"mtu": 1, "selfLink": "x"}


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ["a.b[1]"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({}, {"a": {"b": {"c": 1}}}, ["a.b.c"]),
        ({"a": {"b": 1}}, {}, ["a.b"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["a[0].b"]),
        ({"a": {}}, {}, []),
    ],
)
def test_paths_of_changes(old: dict[str, Any], new: dict[str, Any], paths: list[str]) -> None:
    assert list(changes("", old, new)) == paths
