"""Every operation of docs/day-two.md on one running stack, in turn, under a client that connects all the time.

`make day-two` runs them all and writes what was seen to docs/day-two-results.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path

import pytest
import yaml

from lab.environment import environment
from lab.tools import bin_dir
from tests.lab.client import Client, client
from tests.lab.stack import (
    Json,
    RunningStack,
    cluster_ids,
    in_a_lab,
    is_ready,
    members,
    region,
    small_config,
    wait_until,
)

MOST_SECONDS_WITHOUT_AN_ANSWER = 20
"""A client that is on a node that leaves asks another one by the same load balancer."""
RELOAD_SECONDS = 300
"""The kubelet brings a Secret within about a minute, the node reads it within another (`components.database.start`)."""
ANOTHER_PASSPHRASE = "another passphrase"

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """Two nodes in the first region and one in each of the others."""
    regions = [region("alpha", "coredns", 2), region("beta", "coredns", 1), region("gamma", "kube-dns", 1)]
    databases = [{"name": "bank", "owner": "app", "primaryRegion": "alpha", "survive": "zone"}]
    with in_a_lab("daytwo", {**small_config(*regions), "databases": databases}, hosts=3) as running:
        running.up()
        yield running


def change(stack: RunningStack, name: str | None = None, **changes: object) -> Json:
    """The stack's config with changes to its top, or to one region."""
    config = stack.config()
    (config if name is None else entry(config, name)).update(changes)
    stack.configure(config)
    return config


def entry(config: Json, name: str) -> Json:
    """A region of a config."""
    return next(one for one in config["regions"] if one["name"] == name)


def live(stack: RunningStack) -> list[str]:
    """Regions whose API servers may be asked."""
    return [one["name"] for one in stack.config()["regions"] if one.get("state", "active") in ("active", "draining")]


def refused(stack: RunningStack, name: str | None, why: str, **changes: object) -> None:
    """A change that the preview refuses; the config is as before afterwards."""
    before = stack.config()
    change(stack, name, **changes)
    done = stack.run("pulumi", "preview", check=False)
    assert done.returncode != 0
    assert why in done.stdout + done.stderr, done.stdout[-3000:]
    stack.configure(before)
    stack.outputs()  # brings the lab's copy of the stack file back, too


def stores(stack: RunningStack) -> dict[str, str]:
    """`region/claim` -> uid of the nodes' volumes."""
    return {
        f"{name}/{claim['metadata']['name']}": claim["metadata"]["uid"]
        for name in live(stack)
        for claim in stack.get(name, "pvc", "-n", name)["items"]
    }


def pods(stack: RunningStack) -> dict[str, Json]:
    """`region/pod` -> the database's pods."""
    return {f"{name}/{pod}": found for name in live(stack) for pod, found in stack.pods(name).items()}


def moment(pod: Json) -> tuple[str, str]:
    """When a pod was made, and when it was ready (RFC 3339, which sorts)."""
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    return pod["metadata"]["creationTimestamp"], ready["lastTransitionTime"]


def restarted(before: dict[str, Json], after: dict[str, Json]) -> list[str]:
    """Pods that were there before and are others now, in the order in which they came; no region before the one that
    came before it was ready.
    """
    again = [name for name in before if name in after and uid(before[name]) != uid(after[name])]
    found = sorted(again, key=lambda name: moment(after[name]))
    blocks = [(where, list(names)) for where, names in groupby(found, key=lambda name: name.partition("/")[0])]
    assert len({where for where, _ in blocks}) == len(blocks), f"regions restart in turns: {found}"
    for (_, first), (_, second) in pairwise(blocks):
        ready = max(moment(after[name])[1] for name in first)
        assert min(moment(after[name])[0] for name in second) >= ready, f"two regions restart at once: {found}"
    return found


def uid(pod: Json) -> str:
    return str(pod["metadata"]["uid"])


@contextmanager
def operation(
    stack: RunningStack,
    folder: Path,
    record: Record,
    *,
    gone: tuple[str, ...] = (),
    restarts: bool = False,
) -> Iterator[Client]:
    """An operation under a client: one cluster, and every node that stays with its id and store.

    `gone`: regions, or `region/pod`s, that leave. `restarts`: whether pods may.
    """
    verdict, claims, there = stack.verify(), stores(stack), pods(stack)
    ids, known, begun = cluster_ids(verdict), members(verdict), time.monotonic()
    with client(stack, folder) as asked:
        yield asked
        record("seconds", round(time.monotonic() - begun))
    stack.until_green(180)
    verdict, after = stack.verify(), pods(stack)
    assert cluster_ids(verdict) == ids, "the same cluster"

    def stays(place: str) -> bool:
        return not any(place == each or place.startswith(f"{each}/") for each in gone)

    kept = {name: each for name, each in claims.items() if stays(name.replace("datadir-", ""))}
    assert kept.items() <= stores(stack).items(), "no store is lost"
    left = {address: node for address, node in known.items() if stays(place(address))}
    assert left.items() <= members(verdict).items(), "every node is who it was"
    found = restarted(there, after)
    assert restarts or not found, f"nobody restarts: {found}"
    assert all(is_ready(pod) for name, pod in after.items() if stays(name))
    record("longest", round(asked.longest, 1))
    record("statements", len(asked.answered) - 2)
    record("errors", len(asked.failed))
    record("restarted", ", ".join(found) or "nobody")
    assert asked.longest < MOST_SECONDS_WITHOUT_AN_ANSWER, asked.failed


def place(address: str) -> str:
    """`region/pod` of a node's address: `cockroachdb-0.cockroachdb.alpha.svc.cluster.local:26257`."""
    pod, _, name, *_ = address.split(".")
    return f"{name}/{pod}"


def cluster_version(stack: RunningStack) -> set[str]:
    """What every node says of the cluster's version."""
    host = stack.outputs()["sqlEndpoints"]["alpha"].partition(":")[0]
    code = (
        "import ssl, sys, urllib.request; trust = ssl.create_default_context(cadata=sys.argv[2]); "
        "print(urllib.request.urlopen(f'https://{sys.argv[1]}:8080/_status/vars', context=trust).read().decode())"
    )
    words = ("/usr/bin/python3", "-c", code, host, stack.outputs()["caCertificate"])
    told = stack.lab.inside(stack.lab.hosts("beta")[0], *words)
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("build_timestamp{")]
    return {part.split('"')[1] for part in line.split(",") if part.startswith("cluster_version=")}


def presented(stack: RunningStack) -> str:
    """The certificate (PEM) of one of alpha's nodes, as a client sees it."""
    host = stack.outputs()["sqlEndpoints"]["alpha"].partition(":")[0]
    code = "import ssl, sys; print(ssl.get_server_certificate((sys.argv[1], 26257)))"
    return stack.lab.inside(stack.lab.hosts("beta")[0], "/usr/bin/python3", "-c", code, host).stdout.strip()


def test_more_nodes(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    with operation(stack, tmp_path, record_property):
        change(stack, "alpha", nodes=3)
        stack.up()
    assert len(members(stack.verify())) == 5


def test_fewer_nodes(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    """The last node is decommissioned before its pod goes, and its volume goes with it: another one may come."""
    refused(stack, "alpha", "first use `nodes: 3` with `drainingNodes: 1`", nodes=2)
    with operation(stack, tmp_path, record_property, gone=("alpha/cockroachdb-2",)):
        change(stack, "alpha", drainingNodes=1)
        stack.up()
        assert "alpha/cockroachdb-2" in pods(stack), "its pod is there still"
        refused(stack, "alpha", "go on with `nodes: 2`", drainingNodes=0)
        change(stack, "alpha", nodes=2, drainingNodes=0)
        stack.up()
    assert len(members(stack.verify())) == 4
    assert "alpha/datadir-cockroachdb-2" not in stores(stack)


def test_a_node_more_after_one_left(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    with operation(stack, tmp_path, record_property):
        change(stack, "alpha", nodes=3)
        stack.up()
    assert len(members(stack.verify())) == 5


def test_another_authority(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    """Three ups; clients take what they trust, and then their own certificates, in between."""
    first = stack.outputs()["caCertificate"]
    refused(stack, None, "an up with 1+2 first", certificates={"authority": 2})
    with operation(stack, tmp_path, record_property) as asking:
        for word in ("1+2", "2+1", "2"):
            change(stack, None, certificates={"authority": word})
            stack.up()
            asking.renew(stack)
    last = stack.outputs()["caCertificate"]
    assert last != first
    assert last.count("BEGIN CERTIFICATE") == 1
    stack.run("pulumi", "preview", "--expect-no-changes")


def test_leaves_are_renewed(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    before = presented(stack)
    assert before.startswith("-----BEGIN")
    with operation(stack, tmp_path, record_property) as asking:
        change(stack, None, certificates={**stack.config().get("certificates", {}), "leaves": 2})
        stack.up()
        asking.renew(stack)
        wait_until(RELOAD_SECONDS, "nodes present the new certificate", lambda: presented(stack) != before)


def test_a_database_is_restored(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    """What was deleted by mistake is read from a copy of before; nothing is ever restored over what is there."""
    databases = stack.config()["databases"]
    copy = {"name": "bank_restored", "owner": "app", "primaryRegion": "alpha", "survive": "zone"}
    asked = [*databases, {**copy, "restoredFrom": {"database": "bank"}}]
    with operation(stack, tmp_path, record_property) as asking:

        def sql(statement: str) -> list[str]:
            host = stack.outputs()["sqlEndpoints"]["alpha"].partition(":")[0]
            done = stack.sql(host, asking.certificates, "app", statement)
            assert done.returncode == 0, done.stderr
            return done.stdout.splitlines()[1:]

        def balances(database: str) -> list[str]:
            return sql(f"SELECT id, balance FROM {database}.public.accounts ORDER BY id")  # noqa: S608

        sql("CREATE TABLE bank.public.accounts (id INT PRIMARY KEY, balance INT)")
        sql("INSERT INTO bank.public.accounts VALUES (1, 10), (2, 20)")
        change(stack, None, backup={"uri": "nodelocal://1/backups", "schedule": "@daily"})
        stack.up()
        wait_until(180, "the first backup is there, and comes back", lambda: drilled(stack) == 0)
        sql("DELETE FROM bank.public.accounts")

        change(stack, None, databases=asked)
        stack.up()
        assert balances("bank_restored") == ["1\t10", "2\t20"]
        assert balances("bank") == []
        assert set(stack.outputs()["databaseUrls"]) >= {"bank", "bank_restored"}
        sql("INSERT INTO bank_restored.public.accounts VALUES (3, 30)")
        stack.run("pulumi", "preview", "--expect-no-changes")

        change(stack, None, databases=[*databases, copy])
        stack.up()
        change(stack, None, databases=asked)
        assert 'database "bank_restored" already exists' in stack.up(check=False)
        change(stack, None, databases=[*databases, copy])
        stack.up()
        assert balances("bank_restored") == ["1\t10", "2\t20", "3\t30"]
    stack.run("pulumi", "preview", "--expect-no-changes")


def drilled(stack: RunningStack) -> int:
    """What `python -m drill` ends with."""
    words = [str(stack.paths.root / "project" / stack.file.name), "--kubeconfig", str(stack.paths.kubeconfig)]
    return stack.run(sys.executable, "-m", "drill", *words, check=False, timeout=180).returncode


def test_an_upgrade_is_held_taken_back_and_finalised(
    stack: RunningStack, tmp_path: Path, record_property: Record
) -> None:
    cockroach = stack.config()["cockroachdb"]
    refused(
        stack, None, "false comes too late", cockroachdb={**cockroach, "version": "v26.4.0", "finalizeUpgrade": False}
    )
    with operation(stack, tmp_path, record_property, restarts=True):
        for version, finalize, then in (
            ("v26.2.5", False, "26.2"),
            ("v26.4.0", False, "26.2"),
            ("v26.2.6", False, "26.2"),
            ("v26.4.0", True, "26.4"),
        ):
            change(stack, None, cockroachdb={**cockroach, "version": version, "finalizeUpgrade": finalize})
            stack.up()
            wait_until(60, f"the cluster is at {then}", lambda then=then: cluster_version(stack) == {then})
    refused(
        stack, None, "is older than v26.4.0", cockroachdb={**cockroach, "version": "v26.2.6", "finalizeUpgrade": True}
    )


def test_a_region_comes_and_goes(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    config = stack.config()
    config["regions"].append(region("delta", "kube-dns", 1))
    with operation(stack, tmp_path, record_property, gone=("delta",)):
        stack.configure(config)
        stack.up()
        refused(stack, "delta", "first use `state: draining`", state="removed")
        change(stack, "delta", state="draining")
        stack.up(check=False)  # verification calls a region degraded whose nodes are gone
        refused(stack, "delta", "list a region with a new name", state="active")
        change(stack, "delta", state="removed")
        stack.up()


def test_the_state_and_its_key_move(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    """To another backend, and there to another key: nothing of the stack changes by it."""
    backend, state = tmp_path / "backend", tmp_path / "state.json"
    backend.mkdir()
    file = stack.paths.root / "project" / stack.file.name
    with operation(stack, tmp_path, record_property):
        stack.run("pulumi", "stack", "export", "--file", str(state))
        kept = file.read_text()
        try:
            elsewhere(stack, backend, "stack", "init", stack.paths.name)
            elsewhere(stack, backend, "stack", "import", "--file", str(state))
            elsewhere(stack, backend, "preview", "--expect-no-changes")
            elsewhere(stack, backend, "stack", "change-secrets-provider", "passphrase", given=f"{ANOTHER_PASSPHRASE}\n")
            assert salt(file.read_text()) != salt(kept), "another key"
            elsewhere(stack, backend, "preview", "--expect-no-changes", passphrase=ANOTHER_PASSPHRASE)
            words = ("stack", "output", "--json", "--show-secrets")
            shown = json.loads(elsewhere(stack, backend, *words, passphrase=ANOTHER_PASSPHRASE))
            with pytest.raises(AssertionError, match="incorrect passphrase"):
                elsewhere(stack, backend, *words)
        finally:
            file.write_text(kept)
    assert "PRIVATE KEY" in shown["clientCertificates"]["app"]["privateKey"]
    assert "PRIVATE KEY" not in state.read_text() + "".join(each.read_text() for each in backend.rglob("*.json"))


def salt(text: str) -> str:
    """What a stack file says of the key."""
    return str(yaml.safe_load(text)["encryptionsalt"])


def elsewhere(stack: RunningStack, backend: Path, *words: str, given: str = "", passphrase: str | None = None) -> str:
    """A command of Pulumi's with another backend, in the lab's project. `passphrase`: if not the lab's."""
    env = {**os.environ, **environment(stack.paths), "PULUMI_BACKEND_URL": f"file://{backend}"}
    if passphrase is not None:
        env["PULUMI_CONFIG_PASSPHRASE"] = passphrase
    argv = [str(bin_dir() / "pulumi"), "-C", str(stack.paths.root / "project"), "--non-interactive", *words]
    if words[:2] != ("stack", "init"):
        argv += ["--stack", stack.paths.name]
    done = subprocess.run(argv, env=env, input=given, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_a_region_is_lost(stack: RunningStack, tmp_path: Path, record_property: Record) -> None:
    """Last: it does not come back. Its dead nodes are members until it is removed."""
    with operation(stack, tmp_path, record_property, gone=("gamma",)):
        stack.lab.run("fault", "cut", "gamma")
        change(stack, "gamma", state="lost")
        stack.up(check=False)  # verification calls members degraded that the plan does not know
        change(stack, "gamma", state="removed")
        stack.up()
    stack.run("pulumi", "preview", "--expect-no-changes")
