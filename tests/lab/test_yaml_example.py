"""The YAML example in a lab: a stack per cluster, names that cross, and DNS as it was once both are gone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import tools
from lab.environment import environment
from lab.paths import PROJECT
from tests.engine.installed import installed
from tests.lab.asking import asked
from tests.lab.running import RunningLab, small_plan
from tests.lab.stack import wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

EXAMPLE = PROJECT / "examples" / "yaml"
REGIONS = {"us-east1": "coredns", "us-west1": "kube-dns"}
"""And the kind of their DNS, in the lab."""
SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: REGION}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: REGION}
spec: {ports: [{port: 80}]}
"""


class Example:
    """The example as somebody has it who checked this repository out, with the lab's kubeconfig in its stack files."""

    def __init__(self, lab: RunningLab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder / "examples" / "yaml"
        self.folder.mkdir(parents=True)
        for name in ("components", ".venv"):
            (folder / name).symlink_to(PROJECT / name)
        (self.folder / ".venv").symlink_to(installed(folder).folder)
        for file in EXAMPLE.glob("*.yaml"):
            (self.folder / file.name).write_text(file.read_text().replace("~/.kube/config", str(lab.paths.kubeconfig)))

    def pulumi(self, *words: str) -> str:
        argv = [str(tools.bin_dir() / "pulumi"), *words, "--non-interactive"]
        return self.run(argv, cwd=self.folder)

    def kubectl(self, region: str, *words: str, given: str | None = None) -> str:
        return self.run([str(tools.bin_dir() / "kubectl"), "--context", region, *words], given=given)

    def run(self, argv: list[str], cwd: Path = PROJECT, given: str | None = None) -> str:
        variables = {**os.environ, **environment(self.lab.paths)}
        done = subprocess.run(
            argv, cwd=cwd, env=variables, input=given, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{' '.join(argv)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def dns(self, region: str) -> str:
        """The data of the ConfigMap that a region's DNS servers read."""
        words = ("get", "configmap", REGIONS[region], "-n=kube-system", "--ignore-not-found", "-o=jsonpath={.data}")
        return self.kubectl(region, *words)

    def service_ip(self, region: str, namespace: str, name: str) -> str:
        return self.kubectl(region, "get", "service", name, f"-n={namespace}", "-o=jsonpath={.spec.clusterIP}")

    def answer(self, region: str, name: str) -> dict[str, Any]:
        """What a region's DNS says of a name, asked by a host there."""
        server = self.service_ip(region, "kube-system", "kube-dns")
        return asked(self.lab, self.lab.hosts(region)[0], server, name)


def test_names_cross_between_clusters(new_lab: Callable[[], RunningLab], tmp_path: Path) -> None:
    tools.demand("pulumi-language-yaml")
    lab = new_lab()
    lab.run("up", "--hosts", "1", "--plan", str(small_plan(tmp_path, *REGIONS)))
    example = Example(lab, tmp_path / "checkout")
    before = {region: example.dns(region) for region in REGIONS}
    for region in REGIONS:
        example.kubectl(region, "apply", "-f=-", given=SHOP.replace("REGION", region))
        example.pulumi("stack", "init", region)
        example.pulumi("up", "--yes", "--stack", region)

    for region, other in (tuple(REGIONS), tuple(REGIONS)[::-1]):
        address = example.service_ip(other, other, "shop")
        name = f"shop.{other}.svc.cluster.local"

        def known(region: str = region, name: str = name, address: str = address) -> bool:
            return example.answer(region, name).get("addresses") == [address]

        wait_until(120, f"{region} knows {name}", known)
        outputs = json.loads(example.pulumi("stack", "output", "--json", "--stack", region))
        assert outputs == {"dnsAddresses": [f"10.{[*REGIONS].index(region) + 1}.16.53"]}
        example.pulumi("preview", "--expect-no-changes", "--stack", region)

    for region in REGIONS:
        example.pulumi("destroy", "--yes", "--stack", region)
    assert {region: example.dns(region) for region in REGIONS} == before
