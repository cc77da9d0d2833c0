"""The forwards' whole life against a ConfigMap that others write too."""

import base64
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.rpc import UNKNOWN

from components.network import dns_forwards
from components.network.cluster_dns import ClusterUnreachable, ConfigMap, WriteConflict
from components.network.dns_forwards import DnsForwardsProvider
from components.network.forward_rules import ForwardConflict, ForwardError

PROVIDER = DnsForwardsProvider()
COREFILE = ".:53 {\n    kubernetes cluster.local\n    reload\n}\n"
NAMES = {"coredns": ("coredns", "Corefile"), "kube-dns": ("kube-dns", "stubDomains")}


class Cluster:
    """A ConfigMap store with resource versions; `meddle` runs between a read and the write that follows."""

    def __init__(self, **maps: Mapping[str, str]) -> None:
        self.maps = {name.replace("_", "-"): (dict(data), dict[str, str]()) for name, data in maps.items()}
        self.versions = itertools.count(1)
        self.version = str(next(self.versions))
        self.meddle: Callable[[], None] = lambda: None
        self.restarts: list[tuple[str, str | None]] = []
        self.deployments = 1
        self.writes = 0

    def read(self, name: str) -> ConfigMap | None:
        found = self.maps.get(name)
        answer = None if found is None else ConfigMap(self.version, dict(found[0]), dict(found[1]))
        self.meddle()
        return answer

    def create(self, name: str, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        if name in self.maps:
            raise WriteConflict("AlreadyExists")
        self.maps[name] = (dict(data), dict(annotations))
        self._wrote()

    def patch(
        self, name: str, version: str, data: Mapping[str, str | None], annotations: Mapping[str, str | None]
    ) -> None:
        self._at(name, version)
        for target, changes in zip(self.maps[name], (data, annotations), strict=True):
            for key, value in changes.items():
                if value is None:
                    target.pop(key, None)
                else:
                    target[key] = value
        self._wrote()

    def delete(self, name: str, version: str) -> None:
        self._at(name, version)
        del self.maps[name]
        self._wrote()

    def restart(self, annotation: str, value: str | None) -> int:
        self.restarts.append((annotation, value))
        return self.deployments

    def set(self, name: str, key: str, text: str) -> None:
        """Someone else's write."""
        self.maps[name][0][key] = text
        self.version = str(next(self.versions))

    def text(self, kind: str) -> str | None:
        name, key = NAMES[kind]
        return self.maps[name][0].get(key) if name in self.maps else None

    def _at(self, name: str, version: str) -> None:
        if name not in self.maps or version != self.version:
            raise WriteConflict("Conflict")

    def _wrote(self) -> None:
        self.writes += 1
        self.version = str(next(self.versions))


def use(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Cluster:
    monkeypatch.setattr(dns_forwards, "connect", lambda kubeconfig, context: cluster)
    return cluster


def props(kind: str = "coredns", **more: Any) -> dict[str, Any]:
    return {
        "kubeconfig": ".lab/dev/kubeconfig",
        "context": "us-east1",
        "kind": kind,
        "zone": "us-east1.svc.cluster.local",
        "owner": "cockroachdb-multiregion/dev",
        "forwards": {"us-west1.svc.cluster.local": ["10.3.16.53"]},
        "lost": False,
        **more,
    }


TWO = {"us-west1.svc.cluster.local": ["10.3.16.53"], "us-central1.svc.cluster.local": ["10.2.16.53"]}
STARTS: list[tuple[str, dict[str, dict[str, str]]]] = [
    ("coredns", {"coredns": {"Corefile": COREFILE}}),
    ("coredns", {"coredns": {"Corefile": COREFILE + "corp.example {\n}", "other": "x"}}),
    ("kube-dns", {}),
    ("kube-dns", {"kube_dns": {}}),
    ("kube-dns", {"kube_dns": {"upstreamNameservers": '["9.9.9.9"]'}}),
    ("kube-dns", {"kube_dns": {"stubDomains": "{}"}}),
    ("kube-dns", {"kube_dns": {"stubDomains": '{ "acme.local" : ["1.2.3.4"]}', "upstreamNameservers": "[]"}}),
]


@pytest.mark.parametrize(("kind", "maps"), STARTS)
def test_up_change_and_undo_leave_the_cluster_as_it_was(
    monkeypatch: pytest.MonkeyPatch, kind: str, maps: dict[str, dict[str, str]]
) -> None:
    cluster = use(monkeypatch, Cluster(**maps))
    before = {name: (dict(data), dict(notes)) for name, (data, notes) in cluster.maps.items()}
    made = PROVIDER.create(props(kind)).outs
    assert made
    assert "10.3.16.53" in (cluster.text(kind) or "")
    assert "corp.example" in (cluster.text(kind) or "") or "corp.example" not in str(maps)
    changed = PROVIDER.update("id", made, props(kind, forwards=TWO)).outs
    assert changed
    assert "10.2.16.53" in (cluster.text(kind) or "")
    PROVIDER.delete("id", changed)
    assert cluster.maps == before


@pytest.mark.parametrize(("kind", "maps"), STARTS)
def test_a_run_that_died_after_its_write_is_repeated_without_another(
    monkeypatch: pytest.MonkeyPatch, kind: str, maps: dict[str, dict[str, str]]
) -> None:
    cluster = use(monkeypatch, Cluster(**maps))
    before = {name: (dict(data), dict(notes)) for name, (data, notes) in cluster.maps.items()}
    PROVIDER.create(props(kind))
    again = PROVIDER.create(props(kind)).outs
    assert again
    assert cluster.writes == 1
    PROVIDER.delete("id", again)
    assert cluster.maps == before


@pytest.mark.parametrize(("kind", "maps"), STARTS)
def test_a_dropped_zone_is_undone_even_if_the_state_forgot_it(
    monkeypatch: pytest.MonkeyPatch, kind: str, maps: dict[str, dict[str, str]]
) -> None:
    cluster = use(monkeypatch, Cluster(**maps))
    PROVIDER.create(props(kind, forwards=TWO))
    PROVIDER.create(props(kind))  # the first one's outcome never reached the state
    assert "us-central1" not in (cluster.text(kind) or "")


@pytest.mark.parametrize("kind", ["coredns", "kube-dns"])
def test_a_refresh_shows_what_others_reverted_and_the_next_up_repairs_it(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    cluster = use(monkeypatch, Cluster(coredns={"Corefile": COREFILE}, kube_dns={"stubDomains": "{}"}))
    made = PROVIDER.create(props(kind)).outs
    assert made
    assert PROVIDER.read("id", made).outs == made
    assert PROVIDER.diff("id", made, props(kind)).changes is False
    name, key = NAMES[kind]
    cluster.set(name, key, COREFILE if kind == "coredns" else '{"theirs": ["1.1.1.1"]}')
    seen = PROVIDER.read("id", made).outs
    assert seen
    assert seen["live"] != made["live"]
    assert PROVIDER.diff("id", seen, props(kind)).changes is True
    assert PROVIDER.update("id", seen, props(kind)).outs == made
    assert "10.3.16.53" in (cluster.text(kind) or "")
    assert "theirs" in (cluster.text(kind) or "") or kind == "coredns"


def test_a_refresh_shows_an_edit_of_our_own_block(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, Cluster(coredns={"Corefile": COREFILE}))
    made = PROVIDER.create(props()).outs
    assert made
    cluster.set("coredns", "Corefile", (cluster.text("coredns") or "").replace("10.3.16.53", "10.9.9.9"))
    assert "10.9.9.9" in (PROVIDER.read("id", made).outs or {})["live"]


@pytest.mark.parametrize("kind", ["coredns", "kube-dns"])
def test_others_who_write_meanwhile_lose_nothing(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    cluster = use(monkeypatch, Cluster(coredns={"Corefile": COREFILE}, kube_dns={"stubDomains": "{}"}))
    name, key = NAMES[kind]
    theirs = iter(range(3))

    def meddle() -> None:
        if (turn := next(theirs, None)) is not None:
            entry = {f"t{turn}.example": ["1.1.1.1"]}
            cluster.set(name, key, COREFILE + f"t{turn}.example {{\n}}\n" if kind == "coredns" else json.dumps(entry))

    cluster.meddle = meddle
    PROVIDER.create(props(kind))
    assert "t2.example" in (cluster.text(kind) or "")
    assert "10.3.16.53" in (cluster.text(kind) or "")


def test_endless_conflicts_end_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, Cluster(coredns={"Corefile": COREFILE}))
    cluster.meddle = lambda: cluster.set("coredns", "Corefile", COREFILE)
    clock = itertools.count(0, 10)
    monkeypatch.setattr(dns_forwards.time, "monotonic", lambda: next(clock))
    with pytest.raises(TimeoutError, match="others kept changing it for 60 s"):
        PROVIDER.create(props())


def test_someone_elses_entry_is_never_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = '{"us-west1.svc.cluster.local": ["192.168.0.1"]}'
    cluster = use(monkeypatch, Cluster(kube_dns={"stubDomains": theirs}))
    with pytest.raises(ForwardConflict, match=r"remove that entry, or rename the region"):
        PROVIDER.create(props("kube-dns"))
    assert cluster.text("kube-dns") == theirs


def test_a_missing_corefile_is_refused_and_a_missing_map_at_undo_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, Cluster())
    with pytest.raises(ForwardError, match="is this cluster's DNS really CoreDNS"):
        PROVIDER.create(props())
    PROVIDER.delete("id", props())
    assert cluster.maps == {}


def test_entries_others_put_into_our_map_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, Cluster())
    made = PROVIDER.create(props("kube-dns")).outs
    assert made
    cluster.set("kube-dns", "stubDomains", (cluster.text("kube-dns") or "").replace("}", ', "x.example": ["1.1.1.1"]}'))
    PROVIDER.delete("id", made)
    assert cluster.maps == {"kube-dns": ({"stubDomains": '{"x.example": ["1.1.1.1"]}'}, {})}


def test_a_corefile_without_reload_rolls_the_servers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = use(monkeypatch, Cluster(coredns={"Corefile": COREFILE.replace("    reload\n", "")}))
    made = PROVIDER.create(props()).outs
    assert made
    PROVIDER.update("id", made, props())
    assert len(cluster.restarts) == 1
    elsewhere = props(forwards={"us-west1.svc.cluster.local": ["10.3.16.54"]})
    PROVIDER.update("id", made, elsewhere)
    (note, first), (_, second) = cluster.restarts
    assert note == "cockroachdb-multiregion/forwards-cockroachdb-multiregion.dev"
    assert first
    assert second
    assert first != second
    cluster.deployments = 0
    PROVIDER.delete("id", made)
    assert cluster.restarts[2:] == [(note, None)]
    assert "restart the DNS servers by hand" in capsys.readouterr().err


def test_with_reload_nothing_is_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, Cluster(coredns={"Corefile": COREFILE}))
    PROVIDER.create(props())
    assert cluster.restarts == []


def unreachable(kubeconfig: str, context: str) -> Cluster:
    raise ClusterUnreachable(f"{kubeconfig}, context {context}: no route to host")


def test_an_unreachable_cluster_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_forwards, "connect", unreachable)
    for act in (
        lambda: PROVIDER.create(props()),
        lambda: PROVIDER.update("id", props(), props(forwards=TWO)),
        lambda: PROVIDER.delete("id", props()),
    ):
        with pytest.raises(RuntimeError, match=r"no route to host.*`state: lost`"):
            act()


def test_a_lost_region_is_never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_forwards, "connect", unreachable)
    was = {**props(), "live": "as last seen"}
    lost = props(lost=True, forwards={}, kind="kube-dns", kubeconfig="", context="")
    assert PROVIDER.diff("id", was, lost).changes is True
    assert not PROVIDER.diff("id", was, lost).replaces
    outs = PROVIDER.update("id", was, lost).outs
    assert outs
    assert PROVIDER.read("id", outs).outs == outs
    assert PROVIDER.diff("id", outs, lost).changes is False
    PROVIDER.delete("id", outs)
    assert PROVIDER.create(lost).outs


@pytest.mark.parametrize(
    "zone", ["us-east1.svc.cluster.local", "US-EAST1.svc.cluster.local.", "svc.cluster.local", "cluster.local", ".", ""]
)
def test_the_clusters_own_names_are_never_forwarded(zone: str) -> None:
    (failure,) = PROVIDER.check({}, props(forwards={zone: ["10.0.0.1"]})).failures
    assert "endless loop" in failure.reason


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"] * 16, ["dns.example"], ["::1"], ["10.0.0.1:53"]])
def test_addresses_that_no_server_takes_are_refused(addresses: list[str]) -> None:
    assert PROVIDER.check({}, props(forwards={"x.svc.cluster.local": addresses})).failures


def test_another_kind_replaces_another_path_updates() -> None:
    was = {**props(), "live": ""}
    assert PROVIDER.diff("id", was, props("kube-dns")).replaces == ["kind"]
    moved = PROVIDER.diff(
        "id", {**props(), "live": dns_forwards.expected("coredns", props()["forwards"])}, props(kubeconfig="~/kc")
    )
    assert (moved.changes, moved.replaces) == (True, [])


def test_unknown_inputs_are_a_change_not_an_error() -> None:
    assert PROVIDER.diff("id", props(), props(context=UNKNOWN)).changes is True
    assert PROVIDER.check({}, props(forwards=UNKNOWN)).failures == []


def test_the_state_holds_the_providers_import_path_not_its_code() -> None:
    pickled = base64.b64decode(serialize_provider(DnsForwardsProvider()))
    assert b"components.network.dns_forwards" in pickled
    assert len(pickled) < 200


@given(
    st.lists(st.dictionaries(st.sampled_from(list(TWO)), st.just(["10.7.7.7"])), max_size=6), st.sampled_from(STARTS)
)
def test_any_series_of_changes_ends_as_it_began(
    series: list[dict[str, list[str]]], start: tuple[str, dict[str, dict[str, str]]]
) -> None:
    kind, maps = start
    with pytest.MonkeyPatch.context() as patch:
        cluster = use(patch, Cluster(**maps))
        before = {name: (dict(data), dict(notes)) for name, (data, notes) in cluster.maps.items()}
        outs = PROVIDER.create(props(kind)).outs or {}
        for forwards in series:
            outs = PROVIDER.update("id", outs, props(kind, forwards=forwards)).outs or {}
            assert PROVIDER.read("id", outs).outs == outs
        PROVIDER.delete("id", outs)
        assert cluster.maps == before
