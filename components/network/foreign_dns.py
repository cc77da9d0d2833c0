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


def in_corefile(found: ConfigMap | None, owner: str, upstream: str) -> Iterator[str]:
    """Zones and plugins that someone put into a Corefile, and the servers it asks instead of `upstream`."""
    text = corefile.remove((found.data.get("Corefile") if found else None) or "", owner)
    yield from _IMPORT.findall(text)
    text = _IMPORT.sub("", text)
    yield from sorted(zone for zone in corefile.served_zones(text) if zone)
    for plugin, words in _root_plugins(text):
        if plugin == "forward":
            servers = " ".join(words[1:])
            if words[:1] == ["."] and servers != upstream:
                yield f"forward . {servers}"
        elif plugin not in STANDARD:
            yield plugin


def in_stub_domains(found: ConfigMap | None, written: Collection[str], upstream: str) -> Iterator[str]:
    """The zones of `stubDomains` that are not `written` by the program, and the servers asked for all else.

    Raises ValueError where one of them is no JSON.
    """
    data = found.data if found else {}
    own = {zone_key(zone) for zone in written}
    yield from sorted(zone for zone in json.loads(data.get("stubDomains") or "{}") if zone_key(zone) not in own)
    servers = " ".join(json.loads(data.get("upstreamNameservers") or "[]"))
    if servers not in ("", upstream):
        yield f"upstreamNameservers {servers}"


def _root_plugins(text: str) -> Iterator[tuple[str, list[str]]]:
    """Plugins of the blocks that serve the root, each with its words on the same line."""
    depth, root = 0, False
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if depth == 0:
            root = any(label in (".", ".:53", "dns://.", "dns://.:53") for label in words)
        elif depth == 1 and root and words[0] != "}":
            yield words[0], [word for word in words[1:] if word != "{"]
        depth += words.count("{") - words.count("}")
