"""The ConfigMap `kube-dns`, as a pod has it mounted and as it is meant. Standard library only: it runs inside pods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def read(folder: Path) -> dict[str, str]:
    """A mounted ConfigMap; hidden names are the kubelet's own."""
    if not folder.is_dir():
        return {}
    return {file.name: file.read_text() for file in sorted(folder.iterdir()) if not file.name.startswith(".")}


def servers(config: Mapping[str, str]) -> tuple[dict[str, list[str]], list[str]]:
    """Stub domains, in order, with their servers; and the upstream servers. Raises ValueError for what is neither."""
    stub_domains = json.loads(config.get("stubDomains", "").strip() or "{}")
    upstream = json.loads(config.get("upstreamNameservers", "").strip() or "[]")
    if not isinstance(stub_domains, dict):
        raise ValueError(f"stubDomains: an object of lists, not {stub_domains!r}")
    found = {domain: _addresses(f"stubDomains: {domain}", stub_domains[domain]) for domain in sorted(stub_domains)}
    for domain, addresses in found.items():
        if not addresses:
            raise ValueError(f"stubDomains: {domain}: no address")
    return found, _addresses("upstreamNameservers", upstream)


def _addresses(what: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(address, str) for address in value):
        raise ValueError(f"{what}: a list of addresses, not {value!r}")
    return value
