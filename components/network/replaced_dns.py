"""A cluster's own DNS servers as a resource that takes them out of service, and puts them back when it goes.

They are other people's Deployments, and so nothing that a program could declare: a patch of `spec.replicas` would not
know, when it is deleted, how many there were. This one writes that number onto each Deployment in the same request that
scales it to zero, whence a run that was killed, or another state, finds it again.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NotRequired

import pulumi
from pulumi import dynamic
from pulumi.runtime.rpc import UNKNOWN

from .cluster_dns import OURS, ClusterDns, Deployment, WriteConflict
from .foreign_entries import INPUTS, ForeignEntriesArgs, reached, refuse_losses

SWITCH_SECONDS = 300
"""How long servers may take to start or to stop: an image may have to be pulled, a host to be added."""

NOTE = "cockroachdb-multiregion/replicas"
"""Annotation of a Deployment that was scaled to zero: how many replicas it had, and for whom that was done."""

_INPUTS = (*INPUTS, "prepare", "lost")

NOTHING = "{}"


class ReplacedDnsProvider(dynamic.ResourceProvider):
    """Creates, reads, updates and deletes `ReplacedDns`. What is pickled is its import path (see `dns_forwards`)."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        if UNKNOWN in json.dumps({key: _news.get(key) for key in _INPUTS}, default=str):
            return dynamic.DiffResult(changes=True)
        changed = any(_olds.get(key) != _news.get(key) for key in _INPUTS)
        back = not _news["lost"] and _olds.get("live", NOTHING) != NOTHING
        return dynamic.DiffResult(changes=changed or back)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        _take_out(props)
        return dynamic.CreateResult(f"{props['context']}/replaced-dns", _outs(props, NOTHING))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        if props["lost"] or props["prepare"]:
            return dynamic.ReadResult(id_, _outs(props, props.get("live", NOTHING)))
        return dynamic.ReadResult(id_, _outs(props, reached(props, _serving)))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        _take_out(_news)
        return dynamic.UpdateResult(_outs(_news, NOTHING))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        if not _props["lost"]:
            reached(_props, _put_back)


class ReplacedDnsArgs(ForeignEntriesArgs):
    """Whose servers are taken out of service, and what must not be lost with them."""

    prepare: NotRequired[pulumi.Input[bool]]
    """True: nothing is taken out yet, but when this resource goes, what was taken out for the owner is put back.

    Default false. Declared before the one that does it, it is in the state whatever becomes of that.
    """
    lost: NotRequired[pulumi.Input[bool]]
    """True: the cluster is given up, its API server is never called again. Default false."""


class ReplacedDns(dynamic.Resource, module="cockroachdb-multiregion", name="ReplacedDns"):
    """The DNS servers that a cluster came with, at zero replicas; their autoscaler too, and first.

    Declare it after what takes their place, by `depends_on`: then that is ready before, and still there until this
    resource is deleted and the old servers have come back. Two are declared, the one with `prepare` first: an engine
    that is killed while the other is made has no record of that, but of this one, and its deletion puts all back.
    """

    live: pulumi.Output[str]
    """Of the old Deployments those that were last seen with replicas: JSON, name to number."""

    def __init__(self, name: str, args: ReplacedDnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ReplacedDnsProvider(), name, {"prepare": False, "lost": False, **args, "live": None}, opts)


def _take_out(props: Mapping[str, Any]) -> None:
    if not props["lost"] and not props["prepare"]:
        reached(props, _scale_down)


def _scale_down(dns: ClusterDns, props: Mapping[str, Any]) -> None:
    """Scale the old servers to zero, once new ones are ready. Raises RuntimeError, and has changed nothing then, where
    there are none or entries of others would be lost: whoever looked before may have done so long ago."""
    refuse_losses(dns, props)
    why = ""
    for found in dns.deployments(SWITCH_SECONDS):
        others = _others(found)
        if not others:
            raise RuntimeError("no Deployment in kube-system is labelled k8s-app=kube-dns: what answers DNS here?")
        unready = [each.name for each in found if _ours(each) and not each.ready]
        if unready or len(others) == len(found):
            why = f"no new server is ready ({', '.join(unready)})"
            continue
        # The autoscaler's pods have to be gone before: it would scale the servers up again.
        scalers = [each for each in others if each.app != "kube-dns"]
        servers = [each for each in others if each.app == "kube-dns"] if not any(map(_lives, scalers)) else []
        for each in (*scalers, *servers):
            if each.replicas:
                _scale(dns, each, 0, {NOTE: _note(each, props["owner"])})
        left = [each.name for each in others if _lives(each)]
        if not left:
            return
        why = f"{', '.join(left)} still has pods"
    raise TimeoutError(f"the old DNS servers were not replaced within {SWITCH_SECONDS} s: {why}")


def _put_back(dns: ClusterDns, props: Mapping[str, Any]) -> None:
    """Servers first, and only when they are ready is the note taken away and the autoscaler put back."""
    waiting: list[str] = []
    for found in dns.deployments(SWITCH_SECONDS):
        mine = [each for each in _others(found) if _noted(each, props["owner"]) is not None]
        servers = [each for each in mine if each.app == "kube-dns"]
        waiting = []
        for each in servers:
            before = _noted(each, props["owner"]) or 0
            if each.replicas < before:
                _scale(dns, each, before, {})
            if each.ready < before:
                waiting.append(f"{each.name} ({each.ready} of {before})")
        if waiting:
            continue
        for each in mine:
            _scale(dns, each, max(each.replicas, _noted(each, props["owner"]) or 0), {NOTE: None})
        if not mine:
            return
    if waiting:
        raise TimeoutError(
            f"the old DNS servers are not ready after {SWITCH_SECONDS} s: {', '.join(waiting)}; the new ones stay until"
            " they are: see why (`kubectl -n kube-system get pods -l k8s-app=kube-dns`), then run again"
        )


def _serving(dns: ClusterDns, _props: Mapping[str, Any]) -> str:
    found = next(iter(dns.deployments(0)))
    return json.dumps({each.name: each.replicas for each in _others(found) if each.replicas}, sort_keys=True)


def _scale(dns: ClusterDns, each: Deployment, replicas: int, annotations: Mapping[str, str | None]) -> None:
    """A write that someone else's forestalls is made again, if it is still needed, after the next look."""
    with suppress(WriteConflict):
        dns.scale(each.name, each.version, replicas, annotations)


def _note(each: Deployment, owner: str) -> str:
    """What to write onto a Deployment that has replicas. Raises RuntimeError where another stack has done so."""
    before = _noted(each, owner)
    return json.dumps({"owner": owner, "replicas": before or each.replicas}, sort_keys=True)


def _noted(each: Deployment, owner: str) -> int | None:
    if NOTE not in each.annotations:
        return None
    note = json.loads(each.annotations[NOTE])
    if note["owner"] != owner:
        raise RuntimeError(
            f"Deployment {each.name} is replaced by {note['owner']} already: one stack alone can do that"
        )
    return note["replicas"]


def _others(found: Sequence[Deployment]) -> list[Deployment]:
    return [each for each in found if not _ours(each)]


def _ours(each: Deployment) -> bool:
    return OURS.items() <= each.labels.items()


def _lives(each: Deployment) -> bool:
    return bool(each.replicas or each.pods)


def _outs(props: Mapping[str, Any], live: str) -> dict[str, Any]:
    return {**{key: props.get(key) for key in _INPUTS}, "live": live}
