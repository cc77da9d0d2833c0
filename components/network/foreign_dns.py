"""What others have put into a cluster's DNS configuration, and would be lost with the servers that read it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from . import corefile
from .cluster_dns import ConfigMap
from .forward_rules import zone_key

STANDARD = frozenset(
    {
        "cache",
        "errors",
        "forward",
        "health",
        "kubernetes",
        "loadbalance",
        "log",
        "loop",
        "prometheus",
        "ready",
        "reload",
    }
)
"""Plugins of the root block that CoreDNS comes with, on kubeadm's and clouds' clusters: the program's own has them."""

_IMPORT = re.compile(r"^import[ \t]+\S+", re.MULTILINE)
"""Whole blocks out of other files, as some clouds offer it to their users."""

_REVERSE = ("in-addr.arpa", "ip6.arpa")


def in_corefile(found: ConfigMap | None, owner: str, domain: str, upstream: str) -> Iterator[str]:
    """Zones and plugins that someone put into a Corefile, and the servers it asks instead of `upstream`.

    `domain`: the cluster's, which is nobody's entry in `kubernetes`.
    """
    text = corefile.remove((found.data.get("Corefile") if found else None) or "", owner)
    yield from _IMPORT.findall(text)
    text = _IMPORT.sub("", text)
    yield from sorted(set(served(text)))
    for labels, plugins in _blocks(text):
        if "" in map(corefile.served_zone, labels):
            for plugin, *words in plugins:
                yield from _lost_with(plugin, words, domain, upstream)


def served(text: str) -> Iterator[str]:
    """What server blocks are for, except the root on port 53: a zone, or the label where it has another port or
    transport."""
    for labels, _ in _blocks(text):
        for label in labels:
            zone = corefile.served_zone(label)
            if zone is None and not label.startswith("("):
                yield label
            elif zone:
                yield zone


def in_stub_domains(found: ConfigMap | None, written: Collection[str], upstream: str) -> Iterator[str]:
    """The zones of `stubDomains` that are not `written` by the program, and the servers asked for all else.

    Raises ValueError where one of them is no JSON.
    """
    data = found.data if found else {}
    own = {zone_key(zone) for zone in written}
    yield from sorted({zone_key(zone) for zone in json.loads(data.get("stubDomains") or "{}")} - own)
    servers = " ".join(json.loads(data.get("upstreamNameservers") or "[]"))
    if servers not in ("", upstream):
        yield f"upstreamNameservers {servers}"


def _lost_with(plugin: str, words: list[str], domain: str, upstream: str) -> Iterator[str]:
    """What of a plugin of the root block the program's own servers have not."""
    if plugin == "forward" and words:
        zone, servers = zone_key(words[0]), " ".join(words[1:])
        if zone:
            yield zone
        elif servers != upstream:
            yield f"forward . {servers}"
    elif plugin == "kubernetes":
        for zone in map(zone_key, words):
            if zone not in ("", zone_key(domain)) and not _is_reverse(zone):
                yield zone
    elif plugin not in STANDARD:
        yield plugin


def _is_reverse(zone: str) -> bool:
    """Names of addresses, also as a CIDR."""
    return zone.endswith(_REVERSE) or "/" in zone


def _blocks(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Labels of each server block, and its plugins, each with the words on its line."""
    depth = 0
    labels: list[str] = []
    plugins: list[list[str]] = []
    for line in text.splitlines():
        begins = True
        for word in corefile.tokens(line):
            if word == "{":
                depth += 1
            elif word == "}":
                depth = max(0, depth - 1)
                if depth == 0:
                    yield labels, plugins
                    labels, plugins = [], []
            elif depth == 0:
                labels += [part for part in word.split(",") if part]
            elif depth == 1:
                if begins:
                    plugins.append([])
                plugins[-1].append(word)
                begins = False
    if labels:
        yield labels, plugins
