"""A cluster's DNS forwards as a resource: reads, merges and writes only its own entries, and undoes only those.

Neither a ConfigMap nor a ConfigMapPatch resource can do this: `Corefile` and `stubDomains` are each one string that
others write too, and server-side apply owns a key, not a part of its text.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi import dynamic
from pulumi.runtime.rpc import UNKNOWN

from . import corefile
from .cluster_dns import ClusterDns, ClusterUnreachable, ConfigMap, WriteConflict, connect
from .forward_rules import check_forwards
from .forward_texts import ANNOTATION_PREFIX, FORWARD_TEXTS, Change, expected, live, undo, write

WRITE_SECONDS = 60
"""How long to go on when others keep writing the same ConfigMap."""

_INPUTS = ("kubeconfig", "context", "kind", "zone", "owner", "forwards", "lost")


class DnsForwardsProvider(dynamic.ResourceProvider):
    """Creates, reads, updates and deletes `DnsForwards`.

    The state holds a pickle of this class's import path, not of its code (it has no attributes and lives in an
    importable module), so a change of code shows no diff, and `destroy` uses the code at hand.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        failures: list[dynamic.CheckFailure] = []
        if not _unknown(news):
            try:
                check_forwards(news["forwards"], news["zone"])
            except ValueError as error:
                failures.append(dynamic.CheckFailure("forwards", str(error)))
            if news["kind"] not in FORWARD_TEXTS:
                failures.append(dynamic.CheckFailure("kind", f"{news['kind']!r} is none of {', '.join(FORWARD_TEXTS)}"))
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        if _unknown(_news):
            return dynamic.DiffResult(changes=True)
        changed = [key for key in _INPUTS if _olds.get(key) != _news.get(key)]
        if _news["lost"]:
            return dynamic.DiffResult(changes=bool(changed))
        drifted = _olds.get("live") != expected(_news["kind"], _news["forwards"])
        return dynamic.DiffResult(changes=bool(changed) or drifted, replaces=["kind"] if "kind" in changed else [])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        outs = _outs(props, live="" if props["lost"] else _apply(props, written=()))
        return dynamic.CreateResult(f"{props['context']}/{FORWARD_TEXTS[props['kind']].config_map}", outs)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        if props["lost"]:
            return dynamic.ReadResult(id_, _outs(props, live=props.get("live", "")))
        found = connect(props["kubeconfig"], props["context"]).read(FORWARD_TEXTS[props["kind"]].config_map)
        now = live(props["kind"], found, props["owner"], list(props["forwards"]))
        return dynamic.ReadResult(id_, _outs(props, live=now))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        if _news["lost"]:
            return dynamic.UpdateResult(_outs(_news, live=_olds.get("live", "")))
        return dynamic.UpdateResult(_outs(_news, live=_apply(_news, written=list(_olds.get("forwards", {})))))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        if not _props["lost"]:
            _undo(_props)


class DnsForwardsArgs(TypedDict):
    """What a cluster's DNS sends elsewhere."""

    kubeconfig: pulumi.Input[str]
    """Path of a kubeconfig file, relative to the project's folder, or the text of one (with no credential in it)."""
    context: pulumi.Input[str]
    """The cluster's context in it."""
    kind: pulumi.Input[str]
    """`kube-dns` or `coredns`."""
    zone: pulumi.Input[str]
    """The cluster's own zone, which must never be forwarded, e.g. `us-east1.svc.cluster.local`."""
    owner: pulumi.Input[str]
    """Whose entries these are: `project/stack`. Marks them in the shared text."""
    forwards: pulumi.Input[Mapping[str, Sequence[str]]]
    """Remote zone -> IPv4 addresses that answer for it."""
    lost: NotRequired[pulumi.Input[bool]]
    """True: the cluster is given up, its API server is never called again. Default false."""


class DnsForwards(dynamic.Resource, module="cockroachdb-multiregion", name="DnsForwards"):
    """The entries of one owner in a cluster's DNS configuration.

    A refresh shows entries that someone reverted or edited, and the next `up` puts them back.
    """

    live: pulumi.Output[str]
    """The entries as last seen in the cluster."""

    def __init__(self, name: str, args: DnsForwardsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(DnsForwardsProvider(), name, {"lost": False, **args, "live": None}, opts)


def _apply(props: Mapping[str, Any], written: Sequence[str]) -> str:
    """Put the forwards in place; the text that is then there."""
    kind, owner, forwards = props["kind"], props["owner"], props["forwards"]

    def plan(found: ConfigMap | None) -> Change:
        return write(kind, found, owner, written, forwards)

    _write(props, plan)
    return expected(kind, forwards)


def _undo(props: Mapping[str, Any]) -> None:
    def plan(found: ConfigMap | None) -> Change | None:
        return None if found is None else undo(props["kind"], found, props["owner"], list(props["forwards"]))

    _write(props, plan)


def _write(props: Mapping[str, Any], plan: Callable[[ConfigMap | None], Change | None]) -> None:
    name = FORWARD_TEXTS[props["kind"]].config_map
    deadline = time.monotonic() + WRITE_SECONDS
    try:
        dns = connect(props["kubeconfig"], props["context"])
        while True:
            found = dns.read(name)
            try:
                change = plan(found)
                if change is not None and _commit(dns, name, found, change):
                    _reload(dns, props, change)
                return
            except WriteConflict as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"ConfigMap {name}: others kept changing it for {WRITE_SECONDS} s: {error}"
                    ) from error
    except ClusterUnreachable as error:
        raise RuntimeError(
            f"cannot reach the cluster whose DNS forwards are to change: {error}. If the region is gone for good, give"
            " it `state: lost` in the config"
        ) from error


def _commit(dns: ClusterDns, name: str, found: ConfigMap | None, change: Change) -> bool:
    """Write what differs; whether anything did."""
    if found is None:
        dns.create(name, _present(change.data), _present(change.annotations))
    elif change.absent:
        dns.delete(name, found.version)
    else:
        data = {key: text for key, text in change.data.items() if found.data.get(key) != text}
        notes = {key: text for key, text in change.annotations.items() if found.annotations.get(key) != text}
        if not data and not notes:
            return False
        dns.patch(name, found.version, data, notes)
    return True


def _reload(dns: ClusterDns, props: Mapping[str, Any], change: Change) -> None:
    """Roll CoreDNS where its Corefile has no `reload`: it would go on with the old text. kube-dns always watches."""
    text = change.data.get("Corefile")
    if props["kind"] != "coredns" or text is None or corefile.reloads(text):
        return
    mine = corefile.own_text(text, props["owner"])
    note = ANNOTATION_PREFIX + props["owner"].replace("/", ".")
    if not dns.restart(note, hashlib.sha256(mine.encode()).hexdigest()[:16] if mine else None):
        sys.stderr.write(
            f"warning: {props['context']}: the Corefile has no `reload` and no Deployment is labelled k8s-app=kube-dns:"
            " restart the DNS servers by hand, or add `reload` to the Corefile\n"
        )


def _present(values: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in values.items() if value is not None}


def _outs(props: Mapping[str, Any], live: str) -> dict[str, Any]:
    return {**{key: props[key] for key in _INPUTS}, "live": live}


def _unknown(props: Mapping[str, Any]) -> bool:
    return UNKNOWN in json.dumps({key: props.get(key) for key in _INPUTS}, default=str)
