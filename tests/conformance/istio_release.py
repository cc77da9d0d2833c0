"""What Istio publishes, as Go modules: CRDs, charts, sources. Pinned by version and hash, fetched by the go command."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lab.tools import bin_dir
from tests.conformance.go_module import module

API = ("istio.io/api", "v1.31.4", "h1:AcnncYrlDj1PJkym7h88Gggkef4MAra8QpGaXRMsr+E=")
"""The CRDs of the very version that is installed by default."""
ISTIO = ("istio.io/istio", "v0.0.0-20260827124520-eed52ebb66ad", "h1:ui9TJjRMAV/hb5ehQaZDq7IUGxuQP6dra9lapT/VjHI=")
"""The charts' own repository on the day before release 1.31: no tag of it is a Go module."""

CHARTS = {
    "base": "base",
    "cni": "istio-cni",
    "istiod": "istio-control/istio-discovery",
    "gateway": "gateway",
}
"""Published name -> folder in the repository."""
HELM = "helm.sh/helm/v3/cmd/helm@v3.22.0"
INTERNAL = "_internal_defaults_do_not_set"


def crds() -> Path:
    """The file of Istio's CustomResourceDefinitions."""
    return module(*API) / "kubernetes" / "customresourcedefinitions.gen.yaml"


def source(*parts: str) -> str:
    """The text of a file of Istio's repository."""
    return module(*ISTIO).joinpath(*parts).read_text(encoding="utf-8")


def mesh_source() -> str:
    """The texts that define the mesh's configuration."""
    folder = module(*API) / "mesh" / "v1alpha1"
    return "".join((folder / name).read_text(encoding="utf-8") for name in ("config.proto", "proxy.proto"))


def chart(name: str) -> Path:
    """The folder of a chart, by its published name."""
    return module(*ISTIO) / "manifests" / "charts" / CHARTS[name]


def defaults(name: str) -> Mapping[str, Any]:
    """A chart's values, all keys that it reads among them."""
    return yaml.safe_load((chart(name) / "values.yaml").read_text(encoding="utf-8"))[INTERNAL]


def helm() -> Path:
    """Helm: PATH's, else built once and cached."""
    there = shutil.which("helm")
    if there is not None:
        return Path(there)
    place = bin_dir() / f"helm-{HELM.rpartition('@')[2]}"
    if not place.exists():
        with tempfile.TemporaryDirectory() as folder:
            env = {**os.environ, "GOBIN": folder}
            subprocess.run(["go", "install", HELM], cwd="/", env=env, check=True, timeout=1200)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(folder) / "helm", place)
    return place
