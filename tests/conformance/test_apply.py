"""Server-side apply: patches that own only their fields, conflicts, ignored changes."""

from __future__ import annotations

import json

import pytest

from tests.conformance.cluster import Cluster
from tests.conformance.stack import Stack

PATCH = """
    k8s.core.v1.ConfigMapPatch("stubs", metadata={{"namespace": NS, "name": "kube-dns"}}, data={data},
                               opts=on(provider()))
    """


def test_a_patch_owns_its_keys_and_gives_them_up(stack: Stack, cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "kube-dns", "-n", namespace, "--from-literal=theirs=kept")
    assert stack.up(PATCH.format(data={"ours": "1", "more": "1"})).steps == {"stubs": "create"}
    live = cluster.get("configmap", "kube-dns", "-n", namespace)
    assert live["data"] == {"theirs": "kept", "ours": "1", "more": "1"}
    managers = [entry["manager"] for entry in live["metadata"]["managedFields"]]
    assert any(manager.startswith("pulumi-kubernetes-") for manager in managers)

    assert stack.up(PATCH.format(data={"ours": "2"})).steps == {"stubs": "update"}
    assert cluster.get("configmap", "kube-dns", "-n", namespace)["data"] == {"theirs": "kept", "ours": "2"}
    stack.destroy()
    assert cluster.get("configmap", "kube-dns", "-n", namespace)["data"] == {"theirs": "kept"}


def test_a_patch_of_a_key_that_is_someone_elses_is_a_conflict(stack: Stack, cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "kube-dns", "-n", namespace, "--from-literal=theirs=kept")
    refused = stack.up(PATCH.format(data={"theirs": "taken"}), fails=True)
    assert "conflict" in refused.text
    assert cluster.get("configmap", "kube-dns", "-n", namespace)["data"] == {"theirs": "kept"}


OWNED = """
    k8s.core.v1.ConfigMap("owned", data={{"a": {value!r}, "b": {value!r}}}, opts=on(provider({options})),
        metadata={{"namespace": NS, "name": "owned", "annotations": {annotations}}})
    """
MUTABLE = "enable_config_map_mutable=True"


def take(cluster: Cluster, namespace: str, key: str, value: str) -> None:
    """Another manager takes a key over."""
    metadata = {"name": "owned", "namespace": namespace}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: value}}
    arguments = ("apply", "--server-side", "--force-conflicts", "--field-manager=someone", "-f", "-")
    cluster.kubectl(*arguments, stdin=json.dumps(manifest))


def test_a_field_that_someone_took_over_is_a_conflict_unless_forced(
    stack: Stack, cluster: Cluster, namespace: str
) -> None:
    stack.up(OWNED.format(value="1", options=MUTABLE, annotations={}))
    stack.up(OWNED.format(value="2", options=MUTABLE, annotations={}))
    take(cluster, namespace, "a", "theirs")
    refused = stack.up(OWNED.format(value="3", options=MUTABLE, annotations={}), fails=True)
    assert "conflict" in refused.text
    assert "someone" in refused.text
    forced = {"pulumi.com/patchForce": "true"}
    stack.up(OWNED.format(value="3", options=MUTABLE, annotations=forced))
    assert cluster.get("configmap", "owned", "-n", namespace)["data"] == {"a": "3", "b": "3"}


def test_ignored_changes_stay_as_the_cluster_has_them(stack: Stack, cluster: Cluster, namespace: str) -> None:
    program = OWNED.replace("opts=on(provider({options}))", 'opts=on(provider({options}), ignore_changes=["data.a"])')
    stack.up(program.format(value="1", options=MUTABLE, annotations={}))
    take(cluster, namespace, "a", "theirs")
    run = stack.up(program.format(value="2", options=MUTABLE, annotations={}))
    assert run.steps == {"owned": "update"}
    assert cluster.get("configmap", "owned", "-n", namespace)["data"] == {"a": "theirs", "b": "2"}


@pytest.mark.long
def test_the_older_way_to_update_still_works(stack: Stack, cluster: Cluster, namespace: str) -> None:
    options = MUTABLE + ", enable_server_side_apply=False"
    stack.up(OWNED.format(value="1", options=options, annotations={}))
    cluster.kubectl("patch", "configmap", "owned", "-n", namespace, "--type=merge", '-p={"data":{"theirs":"kept"}}')
    stack.up(OWNED.format(value="2", options=options, annotations={}))
    live = cluster.get("configmap", "owned", "-n", namespace)
    assert live["data"] == {"a": "2", "b": "2", "theirs": "kept"}
    assert live["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "pulumi"
