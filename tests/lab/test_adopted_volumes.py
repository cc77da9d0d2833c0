"""docs/migrate.md, in place: the volumes of a cluster that something else made come up as the same cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.stack import RunningStack, cluster_ids, in_a_lab, members, region, small_config

REGIONS = {"alpha": "coredns", "beta": "coredns", "gamma": "kube-dns"}
OLD_FORWARDS = {"alpha.svc.cluster.local": ["10.9.0.10"], "beta.svc.cluster.local": ["10.9.0.20"]}
"""What the published scripts leave in a kube-dns: the same zones, at their own load balancers."""
ALL = (
    "statefulsets,services,configmaps,secrets,serviceaccounts,roles,rolebindings,jobs,"
    "networkpolicies,poddisruptionbudgets"
)
ONCE = (
    "env",
    "PULUMI_K8S_UPSERT_EXISTING_OBJECTS=true",
    "pulumi",
    "up",
    "--yes",
    "--skip-preview",
    "--suppress-outputs",
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]


def test_a_cluster_that_something_else_made_comes_up_as_itself(tmp_path: Path) -> None:
    """The old one is the program's too, without its state, its objects and its authority: what is left of any other."""
    entries = [region(name, dns, 1) for name, dns in REGIONS.items()]
    database = {"name": "bank", "owner": "app", "primaryRegion": "alpha", "survive": "zone"}
    with in_a_lab("adopted", {**small_config(*entries), "databases": [database]}) as stack:
        stack.up()
        before = stack.verify()
        authority = stack.outputs()["caCertificate"]
        _ask(stack, tmp_path / "old", "CREATE TABLE bank.public.accounts (id INT PRIMARY KEY, balance INT)")
        _ask(stack, tmp_path / "old", "INSERT INTO bank.public.accounts VALUES (1, 100), (2, 250)")

        stack.run("pulumi", "stack", "rm", "--force", "--yes", "--preserve-config")
        for name in REGIONS:
            stack.kubectl(name, "-n", name, "delete", ALL, "--all", "--wait=true")
            stack.kubectl(name, "-n", "kube-system", "delete", "service", "cockroachdb-dns")
            claims = stack.get(name, "persistentvolumeclaims", "-n", name)["items"]
            assert [claim["metadata"]["name"] for claim in claims] == ["datadir-cockroachdb-0"]
        _stub_domains(stack, OLD_FORWARDS)

        stack.run("pulumi", "stack", "init", stack.paths.name)
        refused = stack.run(*ONCE, check=False)
        assert refused.returncode != 0
        assert "not written by this program" in refused.stdout + refused.stderr
        _stub_domains(stack, None)
        stack.run(*ONCE)

        stack.until_green(120)
        stack.run("pulumi", "up", "--yes", "--skip-preview", "--suppress-outputs")
        stack.run("pulumi", "preview", "--expect-no-changes")
        after = stack.verify()
        assert stack.outputs()["caCertificate"] != authority, "by another authority"
        assert cluster_ids(after) == cluster_ids(before)
        assert members(after) == members(before), "the same nodes"
        assert "250" in _ask(stack, tmp_path / "new", "SELECT balance FROM bank.public.accounts WHERE id = 2")


def _ask(stack: RunningStack, folder: Path, statement: str) -> str:
    """A statement of user `app` at the first region; what was answered."""
    if not folder.exists():
        folder.mkdir()
        stack.certificates(folder, "app")
    done = stack.sql(stack.outputs()["sqlEndpoints"]["alpha"].partition(":")[0], folder, "app", statement)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _stub_domains(stack: RunningStack, zones: dict[str, list[str]] | None) -> None:
    """Write the whole of gamma's stub domains, as a script does that knows of no other; None: take them away."""
    value = None if zones is None else json.dumps(zones)
    notes = {"metadata": {"annotations": None}, "data": {"stubDomains": value}}
    words = ["patch", "configmap", "kube-dns", "-n", "kube-system", "--type=merge", "-p", json.dumps(notes)]
    stack.kubectl("gamma", *words)
