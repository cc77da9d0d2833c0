"""What a running stack may not change any more: a plan against the one that its state holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..strategies import BOTH, strategy, words
from . import authorities, lock_versions
from .lock_clusters import made, moved_clusters, moved_zones, text
from .lock_storage import moved_volumes, storage
from .model import AddressPlan, Problem, RegionState, Settings
from .rules import RUNNING, show

RECORD_VERSION = 1
"""Of the shape that `record` returns."""

_MOVES = {
    "nodeCidr": "nodeCidr",
    "podCidr": "podCidr",
    "serviceCidr": "serviceCidr",
    "sqlAddress": "sqlAddress",
    "dnsZone": "",
    "platform": "platform",
}
"""Key of a region in the plan's JSON -> key in the config that decides it; what decides the zone, the strategy says."""

_KEYED = ("sql", "dns")
"""Kinds of load balancers whose addresses have keys of their own in the config."""

_LAST_WELL = "the running stack as the last `pulumi up` that ended well left it: end the step that did not first"

_RETURNS = "a node's store that was decommissioned cannot come back: list a region with a new name, last"


def record(settings: Settings, plan: AddressPlan) -> dict[str, Any]:
    """What a stack's state keeps of its config, for the next run's `compare`. JSON types only."""
    return {
        "recordVersion": RECORD_VERSION,
        "topology": plan.to_json(),
        "version": settings.cockroachdb.version,
        "finalizeUpgrade": settings.cockroachdb.finalize_upgrade,
        "authority": settings.certificates.word,
        "agreed": {
            "clusterName": settings.cockroachdb.cluster_name,
            "maxOffset": settings.cockroachdb.max_offset,
        },
        "made": made(settings),
        "storage": storage(settings),
        "allowDataLoss": settings.allow_data_loss,
    }


def compare_records(previous: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[Problem]:
    """Why a stack whose state holds the record `previous` (None or empty: nothing ran yet) must not become `new`."""
    previous = previous or {}
    problems = compare_topologies(previous.get("topology"), new["topology"], bool(new.get("allowDataLoss")))
    if "version" in previous:
        problems += lock_versions.compare(previous, new)
    problems += authorities.compare(previous, new)
    problems += _agreed(previous.get("agreed", {}), new["agreed"])
    problems += moved_clusters(previous.get("made", {}), new)
    problems += moved_volumes(previous.get("storage", {}), new["storage"])
    return problems


def carried(previous: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """The record `new` with what only the one before it knows: the release that an upgrade can go back to."""
    held = lock_versions.held(previous or {}, new)
    return {**new} if held is None else {**new, "held": held}


def compare_completed(previous: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[Problem]:
    """Why `new` can't follow the record of the last `up` that ended well (None or empty: none has).

    Steps of a change alone: `compare_records` has looked at all the rest, against the last `up` whichever its end.
    """
    if not previous:
        return []
    allow_data_loss = bool(new.get("allowDataLoss"))
    was, now = previous["topology"], new["topology"]
    problems = [*_strategy(was, now), *authorities.compare(previous, new)]
    regions = {region["name"]: region for region in was["regions"]}
    for index, region in enumerate(now["regions"]):
        before = regions.get(region["name"])
        if before is None:
            continue
        path = f"regions[{index}]"
        problems += _state(path, before, region, allow_data_loss)
        if (before["state"], region["state"]) == (RegionState.DRAINING, RegionState.ACTIVE):
            problems.append(
                Problem(
                    f"{path}.state",
                    f"active would bring {region['name']}'s nodes back, which are decommissioned; {_RETURNS}",
                )
            )
    return [Problem(each.path, f"{each.message} ({_LAST_WELL})") for each in problems]


def compare(previous: Mapping[str, Any] | None, plan: AddressPlan, allow_data_loss: bool = False) -> list[Problem]:
    """Why a stack whose last `topology` output is `previous` (None: nothing ran yet) must not take `plan`."""
    return compare_topologies(previous, plan.to_json(), allow_data_loss)


def _agreed(previous: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Problem]:
    """What all nodes must say alike, so no rollout can change it.

    A node that is pinged by one with another --max-offset ends itself (cockroach `pkg/rpc/heartbeat.go`): the first pod
    restarted would take the others down, in every region. One with another --cluster-name is let in by nobody.
    """
    for key, was in previous.items():
        if new[key] != was:
            yield Problem(
                f"cockroachdb.{key}",
                f"{show(new[key])} cannot be rolled out node by node: nodes that differ refuse or end each other; "
                f"put back {show(was)}, which the running stack has",
            )


def compare_topologies(
    previous: Mapping[str, Any] | None, new: Mapping[str, Any], allow_data_loss: bool = False
) -> list[Problem]:
    """`compare` on two plans as JSON."""
    regions: Sequence[Mapping[str, Any]] = new["regions"]
    if not previous or not previous.get("regions"):
        return list(_first_run(regions))
    return [
        *_strategy(previous, new),
        *_places(previous["regions"], regions),
        *(
            problem
            for was in previous["regions"]
            for index, now in enumerate(regions)
            if was["name"] == now["name"]
            for problem in (
                *_state(f"regions[{index}]", was, now, allow_data_loss),
                *_moves(index, was, now, strategy(new["strategy"]).zone_key),
            )
        ),
    ]


def _first_run(regions: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    if regions and regions[0]["state"] not in RUNNING:
        yield Problem(
            "regions[0].state",
            f"{regions[0]['state']} in a stack that has not run yet; the cluster is born in the first region listed: "
            "put an active region there",
        )


def _strategy(previous: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    """A node is known by one address at a time: a change goes by an `up` with both strategies, as does its undoing."""
    was, now = words(previous["strategy"]), words(new["strategy"])
    draining = [region["name"] for region in new["regions"] if region["state"] == RegionState.DRAINING]
    if was != now and draining:
        yield Problem(
            "strategy",
            f"{new['strategy']} while {draining[0]} is draining, whose nodes restart no more and keep their addresses; "
            f"keep {previous['strategy']} until the region is removed",
        )
    if was == now or (now[0] == was[-1] and (1 in (len(was), len(now)) or now == was[::-1])):
        return
    if len(was) == 1:
        way = f"keep that, or go by {was[0]}{BOTH}{now[-1]}: an up with that first, and one with {now[-1]} after it"
    else:
        way = f"go on with {was[1]}, or back by {was[1]}{BOTH}{was[0]}: an up with that, and one with {was[0]} after it"
    yield Problem(
        "strategy",
        f"{new['strategy']} would rename nodes of a running stack, which has {previous['strategy']}; {way}",
    )


def _places(previous: Sequence[Mapping[str, Any]], regions: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    names = [region["name"] for region in regions]
    gone = [region for region in previous if region["name"] not in names]
    for index, was in enumerate(previous):
        last = all(later["name"] not in names for later in previous[index:])
        if was in gone and not (was["state"] == RegionState.REMOVED and last):
            yield Problem(
                "regions",
                f"{was['name']} is missing, but the running stack has it, {was['state']}; keep it in its place in the "
                f"list with `state: {RegionState.REMOVED}`, after `state: {RegionState.DRAINING}` and an up",
            )
    if previous[0]["name"] in names and names[0] != previous[0]["name"]:
        yield Problem(
            "regions[0]",
            f"{names[0]} comes before {previous[0]['name']}, where the cluster was born; put new regions last",
        )


def _state(path: str, was: Mapping[str, Any], now: Mapping[str, Any], allow_data_loss: bool) -> Iterator[Problem]:
    before, after = was["state"], now["state"]
    if before == RegionState.REMOVED and after != RegionState.REMOVED:
        yield Problem(f"{path}.state", f"{after} would bring {now['name']} back, which was removed; {_RETURNS}")
    if before == RegionState.ACTIVE and after == RegionState.REMOVED and not allow_data_loss:
        yield Problem(
            f"{path}.state",
            f"{after} would take {now['name']}'s nodes away with their data; first use `state: {RegionState.DRAINING}` "
            f"and an up (or `{RegionState.LOST}`, where the region is gone already), or set allowDataLoss: true",
        )
    if before in RUNNING and after in RUNNING and not allow_data_loss:
        yield from _nodes(path, was, now)


def _nodes(path: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Problem]:
    """Nodes leave by two ups: one that decommissions them, and one without them. Their stores never come back."""
    before, after = len(was["nodes"]), len(now["nodes"])
    left = was.get("drainingNodes", 0)
    stays, leaving = before - left, now.get("drainingNodes", 0)
    if after < stays:
        yield Problem(
            f"{path}.nodes",
            f"{after} would take nodes away with their data, the running stack has {stays} that stay; first use "
            f"`nodes: {before}` with `drainingNodes: {before - after}` and an up, or set allowDataLoss: true",
        )
    elif left and (after > before or after - leaving > stays):
        yield Problem(
            f"{path}.drainingNodes",
            f"{leaving} of {after} would keep nodes that are decommissioned in the running stack; go on with "
            f"`nodes: {stays}` without drainingNodes, and an up, before nodes are added",
        )


def _moves(index: int, was: Mapping[str, Any], now: Mapping[str, Any], zone_key: str) -> Iterator[Problem]:
    if RegionState.REMOVED in (was["state"], now["state"]):
        return
    path, name = f"regions[{index}]", now["name"]
    moved = [key for key in _MOVES if was[key] != now[key]]
    # A strategy that asks no region's DNS has none.
    if was["dnsAddresses"] and now["dnsAddresses"] and not set(was["dnsAddresses"]) & set(now["dnsAddresses"]):
        moved.append("dnsAddresses")
    if moved and was["cidr"] != now["cidr"]:
        yield Problem(
            f"{path}.cidr",
            f"{now['cidr']} would move {name}, which the running stack has at {was['cidr']}; "
            "put `cidr` back (new regions go last, one that is gone stays listed), or add a region with a new name",
        )
        moved = [key for key in moved if key in ("dnsZone", "platform")]
    elif not moved:
        yield from _moved_balancers(f"{path}.strategyOptions", was, now)
        if was["nodes"] and now["nodes"]:
            yield from _moved_hosts(f"{path}.strategyOptions.hosts", was.get("hosts", {}), now["hosts"])
    yield from moved_zones(f"{path}.zones", was, now)
    for key in moved:
        yield Problem(
            f"{path}.{_MOVES.get(key, key) or zone_key}",
            f"{text(now[key])} would move {name}'s {key}, which the running stack has at {text(was[key])}; "
            "put it back" + (", or list both, up, and then drop the old one" if key == "dnsAddresses" else ""),
        )


def _moved_balancers(path: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Problem]:
    """The strategy's load balancers: what runs was told their addresses, and is told nothing new before it restarts."""
    before = {each["name"]: each["addresses"] for each in was.get("balancers", ()) if each["kind"] not in _KEYED}
    for each in now["balancers"]:
        addresses = before.get(each["name"], each["addresses"])
        if addresses != each["addresses"]:
            yield Problem(
                path,
                f"would move {now['name']}'s load balancer {each['name']} from {text(addresses)} to "
                f"{text(each['addresses'])}; put it back",
            )


def _moved_hosts(path: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Problem]:
    """Certificates change at once, and nodes their addresses when they restart: a host keeps what it is dialled at."""
    for host in sorted(was.keys() & now.keys()):
        if was[host] != now[host]:
            yield Problem(
                f"{path}.{host}",
                f"{now[host]} would move nodes that the running stack has at {was[host]}; put it back, and list a new "
                "address as another host, to which its nodes move",
            )
    if bool(was) != bool(now):
        told = "lists hosts, which the running stack does not" if now else "lists none, but the running stack has some"
        yield Problem(path, f"{told}: certificates would be of another kind; put it back")
