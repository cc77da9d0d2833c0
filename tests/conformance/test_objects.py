"""Objects of any kind: names, updates, replacements, strictness, deletion."""

from __future__ import annotations

import re

from tests.conformance.cluster import Cluster
from tests.conformance.stack import Stack

CONFIG_MAP = """
    made = k8s.core.v1.ConfigMap("settings", metadata={{"namespace": NS, "labels": {{"app": "x"}}}}, data={data},
                                 opts=on(provider({options})))
    pulumi.export("name", made.metadata["name"])
    """


def test_a_config_map_from_birth_to_death(stack: Stack, cluster: Cluster, namespace: str) -> None:
    mutable = "enable_config_map_mutable=True"
    assert stack.up(CONFIG_MAP.format(data={"a": "1"}, options=mutable)).steps == {"settings": "create"}
    name = stack.outputs()["name"]
    assert re.fullmatch(r"settings-[0-9a-f]{8}", name)
    live = cluster.get("configmap", name, "-n", namespace)
    assert live["data"] == {"a": "1"}
    assert live["metadata"]["annotations"]["pulumi.com/autonamed"] == "true"

    changed = stack.up(CONFIG_MAP.format(data={"a": "2", "b": "3"}, options=mutable))
    assert changed.steps == {"settings": "update"}
    assert changed.details("settings") == {"data.a": "update", "data.b": "add"}
    assert stack.outputs()["name"] == name
    assert cluster.get("configmap", name, "-n", namespace)["data"] == {"a": "2", "b": "3"}

    fewer = stack.up(CONFIG_MAP.format(data={"b": "3"}, options=mutable))
    assert fewer.steps == {"settings": "update"}
    assert cluster.get("configmap", name, "-n", namespace)["data"] == {"b": "3"}
    assert stack.preview().steps == {"settings": "same"}

    assert stack.destroy().steps == {"settings": "delete"}
    assert cluster.get("configmap", name, "-n", namespace) is None


def test_without_the_mutable_options_content_is_replaced(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.up(CONFIG_MAP.format(data={"a": "1"}, options=""))
    before = stack.outputs()["name"]
    run = stack.up(CONFIG_MAP.format(data={"a": "2"}, options=""))
    assert run.steps == {"settings": "replace"}
    operations = [operation for operation, name in run.order if name == "settings"]
    assert operations.index("create-replacement") < operations.index("delete-replaced")
    assert stack.outputs()["name"] != before
    assert cluster.get("configmap", before, "-n", namespace) is None


SECOND = """
    k8s.core.v1.ConfigMap("named", metadata={{"namespace": NS, "name": "named"}}, data={{"a": {value!r}}},
                          opts=on(provider()))
    """


def test_a_fixed_name_is_deleted_before_it_is_made_again(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.up(SECOND.format(value="1"))
    first = cluster.get("configmap", "named", "-n", namespace)["metadata"]["uid"]
    run = stack.up(SECOND.format(value="2"))
    operations = [operation for operation, name in run.order if name == "named"]
    assert operations.index("delete-replaced") < operations.index("create-replacement")
    live = cluster.get("configmap", "named", "-n", namespace)
    assert live["data"] == {"a": "2"}
    assert live["metadata"]["uid"] != first


FIXED = """
    here = provider()
    labels = {{"app": "db"}}
    metadata = {{"namespace": NS, "name": "db", "annotations": {{"pulumi.com/skipAwait": "true"}}}}
    k8s.apps.v1.StatefulSet("db", metadata=metadata, opts=on(here), spec={{
        "serviceName": {service!r}, "replicas": 1, "selector": {{"matchLabels": labels}},
        "podManagementPolicy": {policy!r},
        "template": {{"metadata": {{"labels": {{**labels, "extra": {label!r}}}}},
                     "spec": {{"containers": [{{"name": "db", "image": {image!r},
                                             "resources": {{"limits": {{"memory": "1024Mi", "cpu": "1000m"}}}}}}]}}}},
        "volumeClaimTemplates": [{{"metadata": {{"name": "data"}}, "spec": {{
            "accessModes": ["ReadWriteOnce"], "resources": {{"requests": {{"storage": {size!r}}}}}}}}}]}})
    k8s.rbac.v1.RoleBinding("binding", metadata={{"namespace": NS, "name": "binding"}}, opts=on(here),
        role_ref={{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": {role!r}}},
        subjects=[{{"kind": "ServiceAccount", "name": "default", "namespace": NS}}])
    """
BEFORE = {"service": "db", "policy": "Parallel", "label": "1", "image": "a:1", "size": "1Gi", "role": "reader"}


def test_what_cannot_change_is_replaced_and_what_can_is_updated(stack: Stack) -> None:
    stack.up(FIXED.format(**BEFORE))
    assert stack.preview().steps == {"db": "same", "binding": "same"}, "1000m is 1: normalised, not a difference"
    assert stack.preview(FIXED.format(**BEFORE | {"label": "2", "image": "a:2"})).steps == {
        "db": "update",
        "binding": "same",
    }
    for change in ({"service": "other"}, {"policy": "OrderedReady"}, {"size": "2Gi"}):
        assert stack.preview(FIXED.format(**BEFORE | change)).steps == {"db": "replace", "binding": "same"}, change
    assert stack.preview(FIXED.format(**BEFORE | {"role": "writer"})).steps == {"db": "same", "binding": "replace"}


def test_what_exists_is_not_taken_over_unless_asked_for(stack: Stack, cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "named", "-n", namespace, "--from-literal=theirs=1")
    refused = stack.up(SECOND.format(value="1"), fails=True)
    assert "already exists" in refused.text
    stack.up(SECOND.replace("provider()", "provider(upsert_existing_objects=True)").format(value="1"))
    assert cluster.get("configmap", "named", "-n", namespace)["data"] == {"a": "1", "theirs": "1"}


def test_a_misspelt_field_is_refused(stack: Stack, cluster: Cluster, namespace: str) -> None:
    program = """
        k8s.core.v1.Service("misspelt", metadata={"namespace": NS, "name": "misspelt"}, spec={"selektor": {"a": "b"}},
                            opts=on(provider()))
        """
    assert "selektor" in stack.up(program, fails=True).text
    assert cluster.get("service", "misspelt", "-n", namespace) is None


def test_a_kind_and_an_object_of_it_in_one_program(stack: Stack, cluster: Cluster, namespace: str) -> None:
    program = """
        here = provider()
        crd = k8s.apiextensions.v1.CustomResourceDefinition("crd", metadata={"name": "widgets.conformance.test"}, spec={
            "group": "conformance.test", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}, opts=on(here))
        k8s.apiextensions.CustomResource("widget", api_version="conformance.test/v1", kind="Widget",
            metadata={"namespace": NS, "name": "widget"}, spec={"size": 3}, opts=on(here, depends_on=[crd]))
        """
    stack.up(program)
    assert cluster.get("widget", "widget", "-n", namespace)["spec"] == {"size": 3}
    assert stack.preview().steps == {"crd": "same", "widget": "same"}
    stack.destroy()
    assert cluster.get("crd", "widgets.conformance.test") is None


def test_a_provider_is_replaced_only_with_its_cluster_identifier(stack: Stack) -> None:
    stack.up(SECOND.format(value="1"))
    moved = stack.preview(
        SECOND.format(value="1").replace("provider()", "provider(kubeconfig=open(KUBECONFIG).read())")
    )
    assert moved.steps == {"named": "same"}, "another kubeconfig of the same cluster"
    other = stack.preview(SECOND.format(value="1").replace("provider()", "provider(cluster_identifier='another')"))
    assert other.steps["named"] == "replace"
