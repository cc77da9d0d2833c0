"""Previews, with a cluster and without, and what an unreachable cluster allows."""

from __future__ import annotations

import pytest

from tests.conformance.cluster import Cluster
from tests.conformance.stack import Stack

CHAIN = """
    here = provider({options})
    space = k8s.core.v1.Namespace("space", metadata={{"name": f"{{NS}}-more"}}, opts=on(here))
    first = k8s.core.v1.Service("first", metadata={{"namespace": space.metadata["name"]}}, opts=on(here),
                                spec={{"clusterIP": {ip!r}, "ports": [{{"port": 80}}]}})
    k8s.core.v1.ConfigMap("second", metadata={{"namespace": space.metadata["name"], "name": "second"}}, opts=on(here),
                          data={{"uid": first.metadata["uid"], "ip": first.spec["clusterIP"]}})
    pulumi.export("ip", first.spec["clusterIP"])
    """
CREATES = {"space": "create", "first": "create", "second": "create"}


def test_a_first_preview_needs_no_cluster(stack: Stack) -> None:
    missing = CHAIN.format(options='kubeconfig=".lab/no/such/file"', ip="None")
    assert stack.preview(missing).steps == CREATES
    nobody = '{"apiVersion": "v1", "kind": "Config"}'
    assert stack.preview(CHAIN.format(options=f"kubeconfig={nobody!r}", ip="None")).steps == CREATES
    refused = stack.up(missing, fails=True)
    assert "configured Kubernetes cluster is unreachable" in refused.text


def test_values_that_only_an_update_knows(stack: Stack, cluster: Cluster, namespace: str) -> None:
    program = CHAIN.format(options="", ip="None")
    assert stack.preview(program).steps == CREATES
    assert cluster.get("namespace", f"{namespace}-more") is None, "a preview writes nothing"
    stack.up(program)
    data = cluster.get("configmap", "second", "-n", f"{namespace}-more")["data"]
    assert data["ip"] == "None"
    assert len(data["uid"]) == 36
    # The Service is replaced, its uid is unknown: so the ConfigMap, not mutable, would be replaced too.
    changed = stack.preview(CHAIN.format(options="", ip=""))
    assert changed.steps == {"space": "same", "first": "replace", "second": "replace"}
    stack.destroy()


def test_a_preview_shows_what_the_server_would_refuse(stack: Stack) -> None:
    program = """
        k8s.core.v1.Service("bad", metadata={"namespace": NS, "name": "bad"}, spec={"ports": [{"port": 99999}]},
                            opts=on(provider()))
        """
    refused = stack.preview(program, fails=True)
    assert "must be between 1 and 65535" in refused.text


@pytest.mark.parametrize("flag", ["delete_unreachable", "skip_update_unreachable"])
def test_a_lost_cluster(stack: Stack, cluster: Cluster, namespace: str, flag: str) -> None:
    program = """
        k8s.core.v1.ConfigMap("kept", metadata={{"namespace": NS, "name": "kept"}}, data={{"a": {value!r}}},
                              opts=on(provider({options})))
        """
    lost = 'kubeconfig=\'{"apiVersion": "v1", "kind": "Config"}\''
    stack.up(program.format(options="", value="1"))
    refused = stack.refresh("--run-program", fails=True) if flag == "" else None
    assert refused is None
    if flag == "delete_unreachable":
        stack.up(program.format(options=f"{lost}, delete_unreachable=True", value="1"))
        stack.up(f"provider({lost}, delete_unreachable=True)")
        assert "kept" not in stack.state()
        assert cluster.get("configmap", "kept", "-n", namespace), "nothing was asked of the lost cluster"
    else:
        run = stack.up(program.format(options=f"{lost}, skip_update_unreachable=True", value="2"))
        assert run.steps == {"kept": "same"}
        assert "skipping" in run.text
        refused = stack.destroy(fails=True)
        assert "unreachable" in refused.text
