"""The state against the cluster: refresh and import."""

from __future__ import annotations

from tests.conformance.cluster import Cluster
from tests.conformance.stack import Stack

PROGRAM = """
    made = k8s.core.v1.ConfigMap("settings", metadata={{"namespace": NS, "name": "settings"}}, data={{"a": "1"}},
                                 opts=on(provider(enable_config_map_mutable=True), {options}))
    """


def test_a_refresh_sees_drift_and_an_update_mends_it(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.up(PROGRAM.format(options=""))
    cluster.kubectl("patch", "configmap", "settings", "-n", namespace, "--type=merge", '-p={"data":{"a":"9","z":"1"}}')
    assert stack.preview().steps == {"settings": "same"}, "a preview trusts the state"
    stack.refresh()
    assert stack.state()["settings"]["outputs"]["data"] == {"a": "9", "z": "1"}
    mended = stack.up()
    assert mended.details("settings") == {"data.a": "update"}, "what the program did not ask for is no difference"
    live = cluster.get("configmap", "settings", "-n", namespace)["data"]
    assert live == {"a": "1"}, "an update takes over what kubectl wrote, and so away what the program does not want"


def test_a_refresh_forgets_what_is_gone(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.up(PROGRAM.format(options=""))
    cluster.kubectl("delete", "configmap", "settings", "-n", namespace)
    stack.refresh()
    assert "settings" not in stack.state()
    assert stack.up().steps == {"settings": "create"}
    cluster.kubectl("delete", "configmap", "settings", "-n", namespace)
    stack.destroy()


def test_what_exists_is_imported_as_it_is(stack: Stack, cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=a=1")
    uid = cluster.get("configmap", "settings", "-n", namespace)["metadata"]["uid"]
    run = stack.up(PROGRAM.format(options='import_=f"{NS}/settings"'))
    assert run.steps == {"settings": "import"}
    assert stack.up(PROGRAM.format(options="").replace('"1"', '"2"')).steps == {"settings": "update"}
    live = cluster.get("configmap", "settings", "-n", namespace)
    assert live["metadata"]["uid"] == uid
    assert live["data"] == {"a": "2"}


def test_an_import_that_differs_is_updated_to_fit(stack: Stack, cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=a=other")
    uid = cluster.get("configmap", "settings", "-n", namespace)["metadata"]["uid"]
    run = stack.up(PROGRAM.format(options='import_=f"{NS}/settings"'))
    assert [operation for operation, name in run.order if name == "settings"] == ["import", "update"]
    live = cluster.get("configmap", "settings", "-n", namespace)
    assert live["metadata"]["uid"] == uid
    assert live["data"] == {"a": "1"}


def test_what_is_not_there_cannot_be_imported(stack: Stack) -> None:
    refused = stack.up(PROGRAM.format(options='import_=f"{NS}/settings"'), fails=True)
    assert "does not exist" in refused.text
