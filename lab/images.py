"""What the lab has in place of container images: for each name a few files bound over the machine's own /usr."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.paths import PROJECT, LabPaths
from lab.tools import bin_dir

SERIES = [f"v{year}.{release}" for year in range(23, 30) for release in range(1, 5)]
"""Releases of the database that a stack may ask for, so that upgrades can be rehearsed."""
VERSION = "v26.2.5"
"""The stand-in's own release."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ADDONS = PROJECT / "lab" / "addons"


def cockroach() -> Path:
    """The database to run: `LAB_COCKROACH`, else the real one on PATH, else the stand-in."""
    given = os.environ.get("LAB_COCKROACH") or shutil.which("cockroach")
    return Path(given).resolve() if given else bin_dir() / "lab-cockroach"


def images() -> dict[str, dict[str, Any]]:
    """Image name patterns, and what a container of each sees: binds (path inside: path here), PATH, variables."""
    coredns = {"binds": {"/coredns": str(bin_dir() / "coredns")}, "path": SYSTEM_PATH, "env": {}}
    return {
        **{f"docker.io/cockroachdb/cockroach:{series}.*": _database(series) for series in SERIES},
        "docker.io/library/python:3*": python_image(),
        "registry.example.com/app-team/ledger:*": _app_image(),
        # Debian's, whichever version the machine has.
        "docker.io/library/haproxy:*": {"binds": {}, "path": SYSTEM_PATH, "env": {}},
        "registry.k8s.io/coredns/coredns:*": coredns,
        "docker.io/coredns/coredns:*": coredns,
        "registry.k8s.io/external-dns/external-dns:*": {
            "binds": {"/ko-app/external-dns": str(bin_dir() / "external-dns")},
            "path": f"/ko-app:{SYSTEM_PATH}",
            "env": {},
            "entrypoint": ["/ko-app/external-dns"],
        },
        "quay.io/prometheus/prometheus:*": _one_program("prometheus"),
        "quay.io/prometheus-operator/prometheus-operator:*": _one_program("prometheus-operator"),
        "quay.io/prometheus-operator/prometheus-config-reloader:*": _one_program("prometheus-config-reloader"),
        "registry.k8s.io/dns/k8s-dns-kube-dns:*": {
            "binds": {"/kube-dns": str(bin_dir() / "coredns")},
            "path": SYSTEM_PATH,
            "env": {},
        },
        "registry.k8s.io/dns/k8s-dns-dnsmasq-nanny:*": _addon_script("/dnsmasq-nanny", "dnsmasq_nanny.py"),
        "registry.k8s.io/dns/k8s-dns-node-cache:*": _addon_script("/node-cache", "node_cache.py", coredns["binds"]),
    }


def _one_program(name: str) -> dict[str, Any]:
    """An image that runs one of the lab's tools."""
    inside = f"/usr/local/bin/{name}"
    return {"binds": {inside: str(bin_dir() / name)}, "path": SYSTEM_PATH, "env": {}, "entrypoint": [inside]}


def _database(series: str) -> dict[str, Any]:
    """The database of any patch of a series: the stand-in plays its release, the real one is what it is."""
    played = {} if VERSION.startswith(f"{series}.") else {"LAB_COCKROACH_VERSION": f"{series}.0"}
    return {
        "binds": {"/cockroach/cockroach": str(cockroach())},
        "path": f"/cockroach:{SYSTEM_PATH}",
        "env": played,
    }


def _addon_script(inside: str, script: str, binds: Mapping[str, str] = {}) -> dict[str, Any]:
    """Python with a script of `addons/` and the module that these share, where the script's imports look for it."""
    image = python_image()
    shared = {"/lab/addons/kube_dns_config.py": str(ADDONS / "kube_dns_config.py")}
    return {**image, "binds": {**image["binds"], **binds, **shared, inside: str(ADDONS / script)}}


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


def _app_image() -> dict[str, Any]:
    """What examples/app-team/app/Dockerfile builds: the app, and Python with its driver; both are of `.venv` here."""
    base, code = Path(sys.base_prefix), PROJECT / "examples" / "app-team" / "app" / "ledger"
    packages = {"psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py"}
    installed = {f"/packages/{name}": str(Path(sysconfig.get_path("purelib")) / name) for name in packages}
    # The machine's own /usr is there by itself.
    own = {} if base.is_relative_to("/usr") else {str(base): str(base)}
    return {
        "binds": {**own, **installed, "/app/ledger": str(code)},
        "path": SYSTEM_PATH,
        "env": {"PYTHONPATH": "/packages", "PYTHONDONTWRITEBYTECODE": "1"},
        "entrypoint": [str(Path(sys.executable).resolve()), "-m", "ledger"],
        "command": ["serve"],
        "workingDir": "/app",
    }


def write_images(paths: LabPaths) -> None:
    """Write the table for the kubelets, if it differs."""
    content = json.dumps(images(), indent=1)
    if not paths.images.exists() or paths.images.read_text() != content:
        fresh = paths.images.with_suffix(".new")
        fresh.write_text(content)
        fresh.replace(paths.images)
