"""A whole stack in a lab of its own, driven as a user would: `make up`'s program, pulumi, kubectl, verify, SQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.environment import environment
from lab.paths import PROJECT, LabPaths, lab_paths
from lab.tools import bin_dir
from tests.lab.running import RunningLab

CONFIG = "cockroachdb-multiregion"
UP_SECONDS = 900
"""`up` of three regions takes about two minutes on two idle cores; tests run where others do."""

Json = dict[str, Any]


def both_clouds() -> Json:
    """Settings of a stack on GCP and AWS, but for its regions."""
    return {
        "gcp": {"project": "my-project-123456", "authorizedCidrs": ["203.0.113.10/32"]},
        "aws": {"authorizedCidrs": ["203.0.113.10/32"], "natGateways": "one"},
    }


@dataclass(frozen=True)
class RunningStack:
    """A stack called like its lab, whose stack file the test writes (`Pulumi.<name>.yaml`, ignored by git)."""

    paths: LabPaths
    hosts: int
    """Hosts per region."""

    @property
    def file(self) -> Path:
        return PROJECT / f"Pulumi.{self.paths.name}.yaml"

    @property
    def lab(self) -> RunningLab:
        return RunningLab(self.paths)

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write the stack file. Keys come without their namespace."""
        document = {"config": {f"{CONFIG}:{key}": value for key, value in config.items()}}
        self.file.write_text(yaml.safe_dump(document, sort_keys=False))

    def config(self) -> Json:
        """The stack file's config, keys without their namespace."""
        config = yaml.safe_load(self.file.read_text())["config"]
        return {key.partition(":")[2]: value for key, value in config.items()}

    @property
    def strategy(self) -> str:
        """The stack file's word."""
        return str(self.config()["strategy"])

    def start_up(self) -> subprocess.Popen[str]:
        """`make up` without its set-up, in a process group of its own."""
        words = ["up", "--stack", self.paths.name, "--name", self.paths.name, "--hosts", str(self.hosts)]
        return subprocess.Popen(
            [sys.executable, "-m", "lab.up", *words],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def up(self, *, check: bool = True) -> str:
        """`make up` without its set-up; what it printed."""
        started = self.start_up()
        try:
            printed, _ = started.communicate(timeout=UP_SECONDS)
        except BaseException:  # pytest's own time limit, too, must not leave it at work in a lab that goes
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()
            raise
        if check and started.returncode != 0:
            pytest.fail(f"up: exit {started.returncode}\n{printed[-6000:]}")
        return printed

    def run(self, *argv: str, check: bool = True, timeout: float = UP_SECONDS) -> subprocess.CompletedProcess[str]:
        """A command in the environment that `lab env` gives."""
        env = {**os.environ, **environment(self.paths), "PULUMI_STACK": self.paths.name}
        program = str(self.paths.root / "bin" / "pulumi") if argv[0] == "pulumi" else argv[0]
        done = subprocess.run(
            [program, *argv[1:]], env=env, cwd=PROJECT, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and done.returncode != 0:
            pytest.fail(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def outputs(self, *, secrets: bool = False) -> Json:
        words = ["pulumi", "stack", "output", "--json", *(["--show-secrets"] if secrets else [])]
        return json.loads(self.run(*words).stdout)

    def kubectl(self, region: str, *words: str, check: bool = True, timeout: float = 120) -> str:
        argv = [str(bin_dir() / "kubectl"), "--context", region, *words]
        return self.run(*argv, check=check, timeout=timeout).stdout

    def get(self, region: str, *words: str) -> Json:
        """`kubectl get WORDS -o json`."""
        return json.loads(self.kubectl(region, "get", *words, "-o", "json"))

    def pods(self, region: str) -> dict[str, Json]:
        """The database's pods by name."""
        found = self.get(region, "pods", "-n", region)["items"]
        return {pod["metadata"]["name"]: pod for pod in found if is_node(pod)}

    def verify(self) -> Json:
        """The verdict, measurements included."""
        copy = self.paths.root / "project" / self.file.name
        words = [str(copy), "--kubeconfig", str(self.paths.kubeconfig), "--json", "-"]
        done = self.run(sys.executable, "-m", "verify", *words, check=False, timeout=180)
        assert done.returncode in (0, 1, 2), done.stderr
        return json.loads(done.stdout)

    def until_green(self, seconds: float) -> Json:
        """Verify until green, and the verdict of that. Each try is a new measurement and takes its own time."""
        deadline = time.monotonic() + seconds
        while (verdict := self.verify())["verdict"] != "green":
            assert time.monotonic() < deadline, verdict["findings"]
        return verdict

    def sql(self, host: str, certificates: Path, user: str, statement: str) -> subprocess.CompletedProcess[str]:
        """A statement over a region's SQL load balancer, from another region's host, as TSV.

        The region's own hosts are no clients: policies by identity know them as nodes of the cluster (docs/config.md).
        """
        argv = [str(bin_dir() / "lab-cockroach"), "sql", f"--certs-dir={certificates}", f"--host={host}"]
        endpoints = self.outputs()["sqlEndpoints"]
        elsewhere = next(name for name, endpoint in endpoints.items() if endpoint.partition(":")[0] != host)
        return self.lab.inside(self.lab.hosts(elsewhere)[0], *argv, f"--user={user}", "--format=tsv", "-e", statement)

    def certificates(self, folder: Path, user: str, *, filed_as: str | None = None) -> Path:
        """A certs-dir with a user's certificate from the outputs, under another user's name if asked."""
        outputs = self.outputs(secrets=True)
        pair = outputs["clientCertificates"][user]
        name = filed_as or user
        texts = {"ca.crt": outputs["caCertificate"], f"client.{name}.crt": pair["certificate"]}
        for file, text in {**texts, f"client.{name}.key": pair["privateKey"]}.items():
            (folder / file).write_text(text)
            (folder / file).chmod(0o600)
        return folder

    def down(self) -> None:
        self.lab.run("down")
        with suppress(FileNotFoundError):
            self.file.unlink()


@contextmanager
def in_a_lab(name: str, config: Mapping[str, Any], hosts: int = 1) -> Iterator[RunningStack]:
    """A stack that is not up yet. Whatever its test or fixture runs into, nothing of it stays."""
    running = RunningStack(lab_paths(name), hosts)
    running.down()
    try:
        running.configure(config)
        yield running
    finally:
        running.down()


def dev_config() -> Json:
    """What Pulumi.dev.yaml asks for, keys without their namespace."""
    config = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())["config"]
    return {key.partition(":")[2]: value for key, value in config.items()}


def region(name: str, dns: str, nodes: int) -> Json:
    """An entry of `regions` in one zone, with the context that the lab gives it."""
    return {
        "name": name,
        "nodes": nodes,
        "zones": [f"{name}-a"],
        "kubeconfig": ".lab/kubeconfig",
        "context": name,
        "dns": {"kind": dns},
    }


def small_config(*regions: Json) -> Json:
    """Regions with small nodes and no database."""
    return {
        "regions": list(regions),
        "cockroachdb": {"resources": {"cpu": "100m", "memory": "512Mi"}, "storage": {"size": "1Gi"}},
    }


def is_node(pod: Json) -> bool:
    """Whether a pod is one of the StatefulSet's."""
    owners = pod["metadata"].get("ownerReferences", [])
    return any(owner["kind"] == "StatefulSet" and owner["name"] == "cockroachdb" for owner in owners)


def is_ready(pod: Json) -> bool:
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return pod["status"].get("phase") == "Running" and conditions.get("Ready") == "True"


def is_new(stack: RunningStack, region: str, old: Json) -> bool:
    """Whether the pod that was `old` has been made anew, and is ready."""
    pod = stack.pods(region).get(old["metadata"]["name"])
    return pod is not None and pod["metadata"]["uid"] != old["metadata"]["uid"] and is_ready(pod)


def identity(pods: Mapping[str, Json]) -> dict[str, tuple[str, int]]:
    """Name -> uid and restarts: unchanged where a pod was left alone."""
    return {
        name: (pod["metadata"]["uid"], sum(one["restartCount"] for one in pod["status"]["containerStatuses"]))
        for name, pod in pods.items()
    }


def pods_of(stack: RunningStack, regions: Iterable[str]) -> dict[tuple[str, str], tuple[str, int]]:
    """(region, pod) -> identity, of all of the database's pods."""
    return {(region, name): found for region in regions for name, found in identity(stack.pods(region)).items()}


def wait_until(seconds: float, what: str, true: Callable[[], bool]) -> None:
    """Ask again until it is so. Each asking takes its own time (a kubectl call), which is pause enough."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")


def found(value: Any, key: str) -> Iterator[Any]:
    """Every non-empty value of `key` anywhere in a JSON document."""
    if isinstance(value, dict):
        if value.get(key):
            yield value[key]
        for inner in value.values():
            yield from found(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from found(inner, key)


def members(verdict: Json) -> dict[str, int]:
    """`host:port` -> node id, as one node tells it."""
    told = next(found(verdict["measurements"], "members"))
    return {member["address"]: int(member["id"]) for member in told}


def cluster_ids(verdict: Json) -> set[str]:
    """Every cluster id that any node of any region told."""
    return set(found(verdict["measurements"], "clusterId"))
