"""Kubeconfig files: one per component, and the user's with a context per region."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class Access:
    """One context: a cluster at `url` seen through the client certificate `<client>.crt` in `pki`."""

    context: str
    url: str
    pki: Path
    client: str


def write(file: Path, accesses: Sequence[Access]) -> None:
    """Write `file` with these contexts, the first one current; keys inside, so mode 0600. Whole or not at all."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": accesses[0].context if accesses else "",
        "clusters": [
            {"name": a.context, "cluster": {"server": a.url, "certificate-authority-data": _data(a.pki / "ca.crt")}}
            for a in accesses
        ],
        "users": [
            {
                "name": f"{a.context}-{a.client}",
                "user": {
                    "client-certificate-data": _data(a.pki / f"{a.client}.crt"),
                    "client-key-data": _data(a.pki / f"{a.client}.key"),
                },
            }
            for a in accesses
        ],
        "contexts": [
            {"name": a.context, "context": {"cluster": a.context, "user": f"{a.context}-{a.client}"}} for a in accesses
        ],
    }
    content = yaml.safe_dump(document, sort_keys=False)
    if file.exists() and file.read_text() == content:
        return
    fresh = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(content)
    fresh.replace(file)


def _data(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
