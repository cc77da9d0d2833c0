"""Where each kind of cluster DNS keeps its forwards, and how that text changes: one pure interface for both kinds."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from . import corefile, stub_domains_json
from .cluster_dns import ConfigMap
from .forward_rules import ForwardError, Forwards

ANNOTATION_PREFIX = "cockroachdb-multiregion/forwards-"


@dataclass(frozen=True, slots=True)
class Change:
    """What to write to a ConfigMap. `absent`: remove the whole map, for it was made for these entries alone."""

    data: Mapping[str, str | None]
    annotations: Mapping[str, str | None]
    absent: bool = False


class ForwardText(NamedTuple):
    """One kind's ConfigMap and key."""

    config_map: str
    key: str
    may_create: bool
    """kube-dns mounts its ConfigMap as optional, so it may have to be made; CoreDNS can't run without one."""


FORWARD_TEXTS: Mapping[str, ForwardText] = {
    "coredns": ForwardText("coredns", "Corefile", may_create=False),
    "kube-dns": ForwardText("kube-dns", "stubDomains", may_create=True),
}


def expected(kind: str, forwards: Forwards) -> str:
    """What `live` gives once `forwards` are in place."""
    if not forwards and kind == "coredns":
        return ""
    return corefile.render(forwards) if kind == "coredns" else stub_domains_json.render(forwards)


def live(kind: str, found: ConfigMap | None, owner: str, written: Collection[str]) -> str:
    """The owner's entries as they are now. `written`: zones that the state says were written."""
    text = None if found is None else found.data.get(FORWARD_TEXTS[kind].key)
    if kind == "coredns":
        return corefile.own_text(text or "", owner)
    return stub_domains_json.own_text(text, _owned(found, owner, written))


def write(kind: str, found: ConfigMap | None, owner: str, written: Collection[str], forwards: Forwards) -> Change:
    """The change that puts exactly `forwards` in place and leaves everything else alone.

    Raises ForwardConflict or ForwardError (see `corefile.merge` and `stub_domains_json.merge`), and ForwardError where
    the ConfigMap is missing that CoreDNS lives by.
    """
    place = FORWARD_TEXTS[kind]
    text = None if found is None else found.data.get(place.key)
    if kind == "coredns":
        if text is None:
            raise ForwardError(
                f"no ConfigMap {place.config_map} with a {place.key} in kube-system: is this cluster's DNS really"
                " CoreDNS (`dns.kind`)?"
            )
        return Change({place.key: corefile.merge(text, owner, forwards)}, {})
    merged = stub_domains_json.merge(text, _owned(found, owner, written), forwards)
    note = _note(found, owner) or {"createdMap": found is None, "createdKey": text is None}
    note["zones"] = sorted(forwards)
    return Change({place.key: merged}, {_annotation(owner): json.dumps(note, sort_keys=True)})


def undo(kind: str, found: ConfigMap, owner: str, written: Collection[str]) -> Change:
    """The change that takes the owner's entries out again, and what was made to hold them."""
    place = FORWARD_TEXTS[kind]
    text = found.data.get(place.key)
    if kind == "coredns":
        return Change({} if text is None else {place.key: corefile.remove(text, owner)}, {})
    note = _note(found, owner) or {}
    bare = stub_domains_json.remove(text, _owned(found, owner, written))
    if note.get("createdKey") and stub_domains_json.is_empty(bare):
        bare = None
    others = [key for key in found.annotations if key != _annotation(owner)]
    only_key = set(found.data) <= {place.key}
    data = {} if place.key not in found.data else {place.key: bare}
    absent = bool(note.get("createdMap")) and bare is None and only_key and not others
    return Change(data, {_annotation(owner): None}, absent)


def _annotation(owner: str) -> str:
    return ANNOTATION_PREFIX + owner.replace("/", ".")


def _note(found: ConfigMap | None, owner: str) -> dict[str, object] | None:
    if found is None or _annotation(owner) not in found.annotations:
        return None
    try:
        note = json.loads(found.annotations[_annotation(owner)])
    except ValueError:
        return None
    return note if isinstance(note, dict) else None


def _owned(found: ConfigMap | None, owner: str, written: Collection[str]) -> set[str]:
    note = _note(found, owner) or {}
    zones = note.get("zones")
    return {*written, *(str(zone) for zone in zones)} if isinstance(zones, list) else set(written)
