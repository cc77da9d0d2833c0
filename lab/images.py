"""What the lab has in place of container images: for each name a few files bound over the machine's own /usr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from lab.paths import PROJECT, LabPaths
from lab.tools import bin_dir

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NANNY = PROJECT / "lab" / "addons" / "dnsmasq_nanny.py"
NODE_CACHE = PROJECT / "lab" / "addons" / "node_cache.py"


def cockroach() -> Path:
    """The database to run: `LAB_COCKROACH`, else the real one on PATH, else the stand-in."""
    given = os.environ.get("LAB_COCKROACH") or shutil.which("cockroach")
    return Path(given).resolve() if given else bin_dir() / "lab-cockroach"


def images() -> dict[str, dict[str, Any]]:
    """Image name patterns, and what a container of each sees: binds (path inside: path here), PATH, variables."""
    coredns = {"binds": {"/coredns": str(bin_dir() / "coredns")}, "path": SYSTEM_PATH, "env": {}}
    return {
        "docker.io/cockroachdb/cockroach:*": {
            "binds": {"/cockroach/cockroach": str(cockroach())},
            "path": f"/cockroach:{SYSTEM_PATH}",
            "env": {},
        },
        "docker.io/library/python:3*": python_image(),
        "registry.k8s.io/coredns/coredns:*": coredns,
        "registry.k8s.io/dns/k8s-dns-kube-dns:*": {
            "binds": {"/kube-dns": str(bin_dir() / "coredns")},
            "path": SYSTEM_PATH,
            "env": {},
        },
        "registry.k8s.io/dns/k8s-dns-dnsmasq-nanny:*": {
            **python_image(),
            "binds": {**python_image()["binds"], "/dnsmasq-nanny": str(NANNY)},
        },
        "registry.k8s.io/dns/k8s-dns-node-cache:*": {
            **python_image(),
            "binds": {**python_image()["binds"], **coredns["binds"], "/node-cache": str(NODE_CACHE)},
        },
    }


def python_image() -> dict[str, Any]:
    """The machine's own Python 3; where /usr has none, the one that runs the lab."""
    if Path("/usr/bin/python3").exists():
        return {"binds": {}, "path": SYSTEM_PATH, "env": {}}
    base = Path(sys.base_prefix)
    return {
        "binds": {str(base): str(base), "/usr/local/bin/python3": str(base / "bin" / "python3")},
        "path": f"{base}/bin:{SYSTEM_PATH}",
        "env": {},
    }


def write_images(paths: LabPaths) -> None:
    """Write the table for the kubelets, if it differs."""
    content = json.dumps(images(), indent=1)
    if not paths.images.exists() or paths.images.read_text() != content:
        fresh = paths.images.with_suffix(".new")
        fresh.write_text(content)
        fresh.replace(paths.images)
