"""The programs that a lab runs: found on PATH, else in the cache, else built once from pinned Go modules.

Standard library only: the set-up runs before there is anything else.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.clouds import plugin
from lab.clouds.store import CLOUDS
from lab.paths import PROJECT, LabPaths, cache_dir
from lab.shell import LabError

GO = (1, 26)
"""What the pinned modules ask for."""

KUBERNETES = "v1.37.2"
KUBERNETES_FLAGS = " ".join(
    ["-s -w"]
    + [
        f"-X k8s.io/component-base/version.{name}={value}"
        for name, value in (("gitVersion", KUBERNETES), ("gitMajor", "1"), ("gitMinor", "37"))
    ]
)
"""Without these the servers call themselves v0.0.0, which clients refuse to talk to."""

PULUMI_FLAGS = "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0"
YAML_FLAGS = "-s -w -X github.com/pulumi/pulumi-yaml/pkg/version.Version=v1.30.0"
EXTERNAL_DNS_FLAGS = "-s -w -X sigs.k8s.io/external-dns/pkg/apis/externaldns.Version=v0.21.0"
PROMETHEUS_TAGS = "remove_all_sd,enable_kubernetes_sd"
"""Without the clouds' ways to look for targets: half the build. Without a tag for it, no web pages either."""
PLUGINS = (
    "pulumi-language-python",
    "pulumi-resource-pulumi-python",
    "pulumi-resource-kubernetes",
    "pulumi-resource-tls",
)


@dataclass(frozen=True, slots=True)
class Tool:
    """One program: where its Go module is, what to build in it, and how long that takes on two cores, in seconds."""

    name: str
    module: str
    package: str
    seconds: int
    flags: str = "-s -w"
    accepted: tuple[int, int] | None = None
    """The oldest version that is taken from PATH; None: only the lab's own will do."""
    version: tuple[str, ...] = ("--version",)
    """How to ask it for its version."""
    on_demand: bool = False
    """Built when a lab, or a test, first needs it, not by the set-up."""
    tags: str = ""
    """Build tags, by commas."""


TOOLS = (
    Tool("etcd", "lab/tools/etcd", "go.etcd.io/etcd/server/v3", 35, accepted=(3, 5)),
    Tool("kube-apiserver", "lab/kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 260, KUBERNETES_FLAGS, (1, 34)),
    Tool(
        "kube-controller-manager",
        "lab/kubernetes",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        85,
        KUBERNETES_FLAGS,
        (1, 34),
    ),
    Tool("kube-scheduler", "lab/kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", 20, KUBERNETES_FLAGS, (1, 34)),
    Tool("kube-proxy", "lab/kubernetes", "k8s.io/kubernetes/cmd/kube-proxy", 20, KUBERNETES_FLAGS, (1, 34)),
    Tool(
        "kubectl",
        "lab/kubernetes",
        "k8s.io/kubernetes/cmd/kubectl",
        25,
        KUBERNETES_FLAGS,
        (1, 34),
        ("version", "--client"),
    ),
    Tool("lab-kubelet", "lab/kubernetes", "./cmd/lab-kubelet", 90, KUBERNETES_FLAGS),
    Tool("lab-cloud", "lab/kubernetes", "./cmd/lab-cloud", 30, KUBERNETES_FLAGS),
    Tool("coredns", "lab/tools/coredns", "github.com/coredns/coredns", 150, accepted=(1, 11)),
    Tool("external-dns", "lab/tools/external-dns", "sigs.k8s.io/external-dns", 400, EXTERNAL_DNS_FLAGS, on_demand=True),
    Tool(
        "actionlint",
        "lab/tools/actionlint",
        "github.com/rhysd/actionlint/cmd/actionlint",
        10,
        accepted=(1, 7),
        on_demand=True,
    ),
    *(
        Tool(
            name,
            "lab/tools/prometheus",
            f"github.com/prometheus/prometheus/cmd/{name}",
            300,
            accepted=(3, 0),
            on_demand=True,
            tags=PROMETHEUS_TAGS,
        )
        for name in ("promtool", "prometheus")
    ),
    *(
        Tool(
            f"prometheus-{name}",
            "lab/tools/prometheus-operator",
            f"github.com/prometheus-operator/prometheus-operator/cmd/{package}",
            300,
            on_demand=True,
        )
        for name, package in (("operator", "operator"), ("config-reloader", "prometheus-config-reloader"))
    ),
    Tool("gen-sdk", "lab/tools/gen-sdk", ".", 60, on_demand=True),
    Tool(
        "pulumi-language-yaml",
        "lab/tools/pulumi-yaml",
        "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
        240,
        YAML_FLAGS,
        on_demand=True,
    ),
    Tool("lab-cockroach", "lab/cockroach", ".", 120),
    Tool(
        "pulumi",
        "lab/tools/pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        300,
        PULUMI_FLAGS,
        (3, 259),
        ("version",),
    ),
    *(Tool(f"plugins/{name}", "lab/plugins", f"./cmd/{name}", 25) for name in PLUGINS),
)


def bin_dir() -> Path:
    """Where the lab's programs are: built ones, and links to those that were on PATH."""
    return cache_dir() / "bin"


def missing() -> list[Tool]:
    """The tools that have to be found or built: those that are not there, and those whose source has changed since."""
    return [tool for tool in TOOLS if not tool.on_demand and not _current(tool)]


def demand(name: str) -> None:
    """See to it that a tool is there which the set-up leaves out; the first time that takes its time.

    Raises LabError with what a person has to do.
    """
    (tool,) = [tool for tool in TOOLS if tool.name == name]
    if _current(tool):
        return
    with building():
        if _current(tool) or adopt(tool):
            return
        problem = go_problem()
        if problem is not None:
            raise LabError(problem)
        sys.stderr.write(f"building {name}, once; about {round(tool.seconds / 60)} min on two cores\n")
        build(tool)


def adopt(tool: Tool) -> bool:
    """Link to the tool on PATH, if there is one and it is new enough. Whether it was done."""
    found = _on_path(tool.name)
    if tool.accepted is None or found is None or _version(found, tool.version) < tool.accepted:
        return False
    target = bin_dir() / tool.name
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(found)
    fresh.replace(target)
    _stamp(tool).parent.mkdir(parents=True, exist_ok=True)
    _stamp(tool).write_text(f"path {found}")
    return True


def build(tool: Tool) -> None:
    """Build one tool into the cache, whole or not at all. Raises LabError with the compiler's words."""
    target = bin_dir() / tool.name
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    argv = ["go", "build", "-trimpath", "-tags", tool.tags, "-ldflags", tool.flags, "-o", str(fresh), tool.package]
    key = _key(tool)
    environment = {**os.environ, "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    done = subprocess.run(argv, cwd=PROJECT / tool.module, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fresh.unlink(missing_ok=True)
        raise LabError(f"building {tool.name} in {tool.module} failed:\n{done.stderr.strip()[-4000:]}")
    fresh.replace(target)
    _stamp(tool).parent.mkdir(parents=True, exist_ok=True)
    _stamp(tool).write_text(key)


def go_problem() -> str | None:
    """Why nothing can be built here, or None."""
    if shutil.which("go") is None:
        return f"Go {GO[0]}.{GO[1]} or newer is needed to build what is missing, and there is no `go` on PATH"
    text = subprocess.run(["go", "version"], capture_output=True, text=True, check=False).stdout
    if _numbers(text) < GO:
        return f"Go {GO[0]}.{GO[1]} or newer is needed to build what is missing; this is: {text.strip()}"
    return None


@contextmanager
def building() -> Iterator[bool]:
    """Only one set-up builds at a time. Yields whether another one was in the way and has been waited for."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "lock").open("a") as lock:
        waited = False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield waited


def link_plugins(paths: LabPaths) -> Path:
    """The lab's folder of stand-in plugins: links to those for which no real one is installed.

    `LAB_PLUGINS` is `real` (raises LabError where one is missing), `stand-in` (all of them) or `auto`, the default.
    """
    mode = os.environ.get("LAB_PLUGINS", "auto")
    if mode not in ("auto", "real", "stand-in"):
        raise LabError(f"LAB_PLUGINS={mode}: real, stand-in or auto")
    wanted = [name for name in PLUGINS if mode == "stand-in" or not real_plugin(name)]
    if mode == "real" and wanted:
        raise LabError(f"LAB_PLUGINS=real, but neither PATH nor the Pulumi home has: {', '.join(wanted)}")
    folder = paths.root / "plugins"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in (*wanted, *map(plugin.name_of, CLOUDS)):
            old.unlink()
    for cloud in CLOUDS:
        # Not only where no real one is installed: a real one would make real things, and the lab is always the lab.
        if mode == "real":
            (folder / plugin.name_of(cloud)).unlink(missing_ok=True)
        else:
            plugin.write(folder, cloud)
    for name in wanted:
        link, target = folder / name, bin_dir() / "plugins" / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    return folder


def real_plugin(name: str) -> bool:
    """Whether a plugin that is not this project's is on PATH or in the Pulumi home."""
    if _on_path(name):
        return True
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    kind = name.removeprefix("pulumi-")
    return (home / "bin" / name).exists() or any((home / "plugins").glob(f"{kind}-v*"))


def _current(tool: Tool) -> bool:
    stamp = _stamp(tool)
    if not (bin_dir() / tool.name).exists() or not stamp.exists():
        return False
    text = stamp.read_text()
    if text.startswith("path "):
        return _on_path(tool.name) == text.removeprefix("path ")
    return text == _key(tool)


def _stamp(tool: Tool) -> Path:
    return cache_dir() / "stamps" / tool.name


def _key(tool: Tool) -> str:
    """Changes when the tool would be built otherwise: its flags, its module's pins and its own source."""
    digest = hashlib.sha256(json.dumps([tool.package, tool.flags, *filter(None, [tool.tags])]).encode())
    folder = PROJECT / tool.module
    files = [folder / "go.mod", folder / "go.sum"]
    if tool.package.startswith("."):
        files = sorted(file for file in folder.rglob("*") if file.is_file() and not _is_aside(file))
    for file in files:
        digest.update(f"{file.relative_to(folder)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _is_aside(file: Path) -> bool:
    """Whether a file of a module is no part of its programs."""
    return file.name.endswith(("_test.go", ".md")) or "testdata" in file.parts


def _on_path(name: str) -> str | None:
    own = (str(cache_dir()), str(PROJECT / ".lab"))
    folders = [entry for entry in os.environ.get("PATH", "").split(":") if entry and not entry.startswith(own)]
    return shutil.which(name, path=":".join(folders))


def _version(program: str, arguments: Sequence[str]) -> tuple[int, ...]:
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    return _numbers(done.stdout + done.stderr)


def _numbers(text: str) -> tuple[int, ...]:
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0,)
