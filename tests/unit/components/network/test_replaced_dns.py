"""A cluster's own DNS servers, taken out of service and put back, beside an autoscaler that would rather not."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from components.network import foreign_entries
from components.network.cluster_dns import OURS, ClusterUnreachable, ConfigMap, Deployment, WriteConflict
from components.network.foreign_entries import ForeignEntriesProvider
from components.network.replaced_dns import NOTE, ReplacedDnsProvider

PROVIDER = ReplacedDnsProvider()
OWNER = "cockroachdb-multiregion/dev"


def deployment(name: str, replicas: int, app: str = "kube-dns", *, ours: bool = False, ready: int = -1) -> Deployment:
    count = replicas if ready < 0 else ready
    return Deployment(name, "1", app, {"k8s-app": app, **(OURS if ours else {})}, {}, replicas, replicas, count)


@dataclass
class Cluster:
    """Deployments whose pods come and go when someone looks again; `meddle` runs before each look."""

    known: dict[str, Deployment]
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    meddle: Callable[[int], None] = lambda _: None
    broken: tuple[str, ...] = ()
    """Deployments that never get a pod ready."""
    history: list[tuple[str, int]] = field(default_factory=list)
    """(name, replicas) of every write."""
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    def read(self, name: str) -> ConfigMap | None:
        return ConfigMap("1", self.maps[name], {}) if name in self.maps else None

    def deployments(self, seconds: float) -> Iterator[Sequence[Deployment]]:
        for look in range(12):
            self.meddle(look)
            yield list(self.known.values())
            for name, each in self.known.items():
                ready = 0 if name in self.broken else each.replicas
                self.known[name] = replace(each, pods=each.replicas, ready=ready)

    def scale(self, name: str, version: str, replicas: int, annotations: dict[str, str | None]) -> None:
        each = self.known[name]
        if each.version != version:
            raise WriteConflict("Conflict")
        notes: dict[str, str | None] = {**each.annotations, **annotations}
        kept = {key: text for key, text in notes.items() if text is not None}
        self.known[name] = replace(each, version=str(next(self.versions)), replicas=replicas, annotations=kept)
        self.history.append((name, replicas))

    def replicas(self) -> dict[str, int]:
        return {name: each.replicas for name, each in self.known.items()}


def cluster(monkeypatch: pytest.MonkeyPatch, *known: Deployment, **more: Any) -> Cluster:
    made = Cluster({each.name: each for each in known}, **more)
    monkeypatch.setattr(foreign_entries, "connect", lambda kubeconfig, context: made)
    return made


def gke(monkeypatch: pytest.MonkeyPatch, **more: Any) -> Cluster:
    return cluster(
        monkeypatch,
        deployment("kube-dns", 3),
        deployment("kube-dns-autoscaler", 1, "kube-dns-autoscaler"),
        deployment("cockroachdb-coredns-gateway", 2, ours=True),
        deployment("cockroachdb-coredns-primary", 2, ours=True),
        **more,
    )


def props(**more: Any) -> dict[str, Any]:
    return {
        "kubeconfig": "kc",
        "context": "a",
        "kind": "kube-dns",
        "owner": OWNER,
        "written": ["a.cockroachdb.internal"],
        "known": [],
        "domain": "cluster.local",
        "upstream": "/etc/resolv.conf",
        "prepare": False,
        "lost": False,
        **more,
    }


def test_the_autoscaler_goes_first_and_comes_back_last(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch)
    before = dict(there.known)
    outs = PROVIDER.create(props()).outs
    assert there.history == [("kube-dns-autoscaler", 0), ("kube-dns", 0)]
    assert outs and outs["live"] == "{}"
    PROVIDER.delete("id", outs)
    assert there.history[2:] == [("kube-dns", 3), ("kube-dns", 3), ("kube-dns-autoscaler", 1)]
    for name, was in before.items():
        now = there.known[name]
        assert (now.replicas, now.annotations, now.ready) == (was.replicas, was.annotations, was.ready)


def test_what_scales_them_up_again_in_between_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch)

    def meddle(look: int) -> None:
        if look == 2:
            there.known["kube-dns"] = replace(there.known["kube-dns"], version="x", replicas=2, pods=2)

    there.meddle = meddle
    outs = PROVIDER.create(props()).outs
    assert there.replicas()["kube-dns"] == 0
    assert outs
    there.meddle = lambda _: None
    PROVIDER.delete("id", outs)
    assert there.replicas()["kube-dns"] == 3, "as it was before, not as it was in between"


def test_nothing_goes_before_new_servers_are_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch, broken=("cockroachdb-coredns-primary",))
    there.known["cockroachdb-coredns-primary"] = deployment("cockroachdb-coredns-primary", 2, ours=True, ready=0)
    with pytest.raises(TimeoutError, match=r"no new server is ready \(cockroachdb-coredns-primary\)"):
        PROVIDER.create(props())
    assert there.history == []


def test_the_new_servers_stay_until_old_ones_are_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch)
    outs = PROVIDER.create(props()).outs
    assert outs
    there.broken = ("kube-dns",)
    with pytest.raises(TimeoutError, match=r"kube-dns \(0 of 3\); the new ones stay"):
        PROVIDER.delete("id", outs)
    assert there.replicas()["kube-dns-autoscaler"] == 0
    there.broken = ()
    PROVIDER.delete("id", outs)
    assert there.replicas()["kube-dns-autoscaler"] == 1


def test_a_run_that_was_killed_is_put_back_by_what_was_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch)
    prepared = PROVIDER.create(props(prepare=True)).outs
    assert there.history == []
    PROVIDER.create(props())  # of which no state tells
    assert prepared
    PROVIDER.delete("id", prepared)
    assert there.replicas()["kube-dns"] == 3
    assert all(NOTE not in each.annotations for each in there.known.values())


def test_a_run_that_was_killed_halfway_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch)
    note = json.dumps({"owner": OWNER, "replicas": 1})
    scaler = there.known["kube-dns-autoscaler"]
    there.known["kube-dns-autoscaler"] = replace(scaler, replicas=0, pods=0, ready=0, annotations={NOTE: note})
    outs = PROVIDER.create(props()).outs
    assert there.history == [("kube-dns", 0)]
    assert outs
    PROVIDER.delete("id", outs)
    assert there.replicas()["kube-dns-autoscaler"] == 1


def test_two_stacks_cannot_replace_one_clusters_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch)
    note = {NOTE: json.dumps({"owner": "other/stack", "replicas": 3})}
    there.known["kube-dns"] = replace(there.known["kube-dns"], annotations=note)
    with pytest.raises(RuntimeError, match="kube-dns is replaced by other/stack already"):
        PROVIDER.create(props())


def test_a_cluster_without_such_servers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster(monkeypatch, deployment("cockroachdb-coredns-primary", 2, ours=True))
    with pytest.raises(RuntimeError, match="what answers DNS here"):
        PROVIDER.create(props())


FOREIGN = {
    "kube-dns": {
        "stubDomains": json.dumps({"corp.example": ["192.0.2.1"], "a.cockroachdb.internal": ["10.1.16.53"]}),
        "upstreamNameservers": '["192.0.2.9"]',
    }
}


@pytest.mark.parametrize("provider", [PROVIDER, ForeignEntriesProvider()])
def test_other_peoples_entries_are_refused_before_anything(
    monkeypatch: pytest.MonkeyPatch, provider: ReplacedDnsProvider | ForeignEntriesProvider
) -> None:
    there = gke(monkeypatch, maps=FOREIGN)
    lost = r"lost with it: corp\.example; upstreamNameservers 192\.0\.2\.9\. Put"
    with pytest.raises(RuntimeError, match=lost):
        provider.create(props())
    with pytest.raises(RuntimeError, match=lost):
        provider.update("id", {}, props())
    assert there.history == []
    provider.create(props(known=["corp.example"], upstream="192.0.2.9"))


def test_who_looks_changes_nothing_and_looks_again_for_another_config(monkeypatch: pytest.MonkeyPatch) -> None:
    there, looks = gke(monkeypatch), ForeignEntriesProvider()
    outs = looks.create(props()).outs
    assert outs
    assert looks.diff("id", outs, props()).changes is False
    assert looks.diff("id", outs, props(known=["corp.example"])).changes is True
    PROVIDER.create(props())
    there.history.clear()
    looks.delete("id", outs)
    assert there.history == [], "what was taken out is another resource's to put back"


def test_what_is_prepared_looks_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch, maps=FOREIGN)
    PROVIDER.create(props(prepare=True))
    assert there.history == []


def test_servers_that_came_back_show_and_go_again(monkeypatch: pytest.MonkeyPatch) -> None:
    there = gke(monkeypatch)
    outs = PROVIDER.create(props()).outs
    assert outs
    assert PROVIDER.diff("id", outs, props()).changes is False
    there.known["kube-dns"] = replace(there.known["kube-dns"], replicas=2)
    seen = PROVIDER.read("id", outs).outs
    assert seen and seen["live"] == '{"kube-dns": 2}'
    assert PROVIDER.diff("id", seen, props()).changes is True
    PROVIDER.update("id", seen, props())
    assert there.replicas()["kube-dns"] == 0


def test_a_lost_cluster_is_never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(kubeconfig: str, context: str) -> object:
        raise ClusterUnreachable("no answer")

    monkeypatch.setattr(foreign_entries, "connect", unreachable)
    outs = PROVIDER.create(props(lost=True)).outs
    assert outs
    assert PROVIDER.read("id", outs).outs == outs
    PROVIDER.update("id", outs, props(lost=True))
    PROVIDER.delete("id", outs)
    with pytest.raises(RuntimeError, match="give it `state: lost`"):
        PROVIDER.delete("id", props())
