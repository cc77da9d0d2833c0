"""Previews, with a cluster and without, and what an unreachable cluster allows."""

from __future__ import annotations

import pytest

from tests.conformance.cluster import Cluster
from tests.conformance.stack import Stack

CHAIN = """
    import pulumi_tls as tls
    here = provider({options})
    key = tls.PrivateKey("key", algorithm="ECDSA", ecdsa_curve={curve!r})
    space = k8s.core.v1.Namespace("space", metadata={{"name": f"{{NS}}-more"}}, opts=on(here))
    first = k8s.core.v1.ConfigMap("first", metadata={{"namespace": space.metadata["name"], "name": "first"}},
                                  data={{"key": key.public_key_openssh}}, opts=on(here))
    second = k8s.core.v1.Service("second", metadata={{"namespace": space.metadata["name"]}}, opts=on(here),
                                 spec={{"clusterIP": "None", "ports": [{{"port": 80}}]}})
    pulumi.export("key", first.data["key"])
    """
CREATES = dict.fromkeys(("key", "space", "first", "second"), "create")


def test_a_first_preview_needs_no_cluster(stack: Stack) -> None:
    missing = CHAIN.format(options='kubeconfig=".lab/no/such/file"', curve="P256")
    assert stack.preview(missing).steps == CREATES
    nobody = '{"apiVersion": "v1", "kind": "Config"}'
    assert stack.preview(CHAIN.format(options=f"kubeconfig={nobody!r}", curve="P256")).steps == CREATES
    refused = stack.up(missing, fails=True)
    assert "cluster is unreachable" in refused.text


def test_values_that_only_an_update_knows(stack: Stack, cluster: Cluster, namespace: str) -> None:
    program = CHAIN.format(options="", curve="P256")
    assert stack.preview(program).steps == CREATES
    assert cluster.get("namespace", f"{namespace}-more") is None, "a preview writes nothing"
    stack.up(program)
    assert cluster.get("configmap", "first", "-n", f"{namespace}-more")["data"]["key"] == stack.outputs()["key"]
    # The key is replaced, its text unknown: so the ConfigMap, which is not mutable, would be replaced too.
    changed = stack.preview(CHAIN.format(options="", curve="P384"))
    assert changed.steps == {"key": "replace", "space": "same", "first": "replace", "second": "same"}
    assert changed.details("first") == {"data.key": "update-replace"}
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
