"""Waiting: what each kind waits for, what steers it, what is kept when it fails or is cancelled.

No kubelet and no controller runs here: the tests write the statuses.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.conformance.cluster import Cluster
from tests.conformance.processes import command, descendants, until
from tests.conformance.stack import Stack

JOB = """
    k8s.batch.v1.Job("work", metadata={{"namespace": NS, "name": "work", "annotations": {annotations}}},
        spec={{"backoffLimit": 1, "template": {{"spec": {{"restartPolicy": "Never",
               "containers": [{{"name": "work", "image": {image!r}}}]}}}}}},
        opts=on(provider(), custom_timeouts=pulumi.CustomTimeouts(create={timeout!r}, delete="20s")))
    """
STARTED = {"startTime": "2026-01-01T00:00:00Z", "active": 1, "ready": 0}
COMPLETE: dict[str, Any] = {
    "startTime": "2026-01-01T00:00:00Z",
    "completionTime": "2026-01-01T00:00:01Z",
    "active": 0,
    "succeeded": 1,
    "conditions": [{"type": kind, "status": "True"} for kind in ("SuccessCriteriaMet", "Complete")],
}
FAILED: dict[str, Any] = {
    "startTime": "2026-01-01T00:00:00Z",
    "failed": 2,
    "active": 0,
    "conditions": [
        {"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the limit"}
        for kind in ("FailureTarget", "Failed")
    ],
}


def waiting(stack: Stack, process: subprocess.Popen[str], cluster: Cluster, *what: str) -> Any:
    """The object that a running `up` has made; fails where the command ends before."""

    def look() -> Any:
        found = cluster.get(*what)
        if not found and process.poll() is not None:
            raise AssertionError(stack.finish(process).text)
        return found

    return until(look)


def test_a_job_is_awaited_until_it_is_complete(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.program(JOB.format(annotations={}, image="a:1", timeout="2m"))
    process = stack.engine("up")
    waiting(stack, process, cluster, "job", "work", "-n", namespace)
    cluster.set_status("job", namespace, "work", STARTED)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    cluster.set_status("job", namespace, "work", COMPLETE)
    run = stack.finish(process)
    assert run.code == 0, run.text
    assert stack.state()["work"]["outputs"]["status"]["succeeded"] == 1
    assert stack.preview(JOB.format(annotations={}, image="a:2", timeout="2m")).steps == {"work": "replace"}


def test_a_failed_job_fails_at_once_and_is_kept(stack: Stack, cluster: Cluster, namespace: str) -> None:
    unready = {"pulumi.com/replaceUnready": "true"}
    stack.program(JOB.format(annotations=unready, image="a:1", timeout="2m"))
    process = stack.engine("up")
    waiting(stack, process, cluster, "job", "work", "-n", namespace)
    cluster.set_status("job", namespace, "work", STARTED)
    cluster.set_status("job", namespace, "work", FAILED)
    run = stack.finish(process)
    assert run.code != 0
    assert "[BackoffLimitExceeded] Job has reached the limit" in run.text
    kept = stack.state()["work"]
    assert kept["id"] == f"{namespace}/work"
    assert any("BackoffLimitExceeded" in reason for reason in kept["initErrors"])
    assert stack.preview().steps == {"work": "replace"}


def test_a_job_that_takes_too_long_says_what_its_pods_lack(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.program(JOB.format(annotations={}, image="a:1", timeout="6s"))
    process = stack.engine("up")
    job = waiting(stack, process, cluster, "job", "work", "-n", namespace)
    cluster.set_status("job", namespace, "work", STARTED)
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "work", "uid": job["metadata"]["uid"], "controller": True}
    pod = {"containers": [{"name": "work", "image": "a:1"}]}
    overrides = {"apiVersion": "v1", "metadata": {"ownerReferences": [owner]}, "spec": pod}
    cluster.kubectl("run", "work-1", "-n", namespace, "--image=a:1", f"--overrides={json.dumps(overrides)}")
    waits = {"waiting": {"reason": "ErrImagePull", "message": "no such image a:1"}}
    state = {"name": "work", "image": "a:1", "imageID": "", "ready": False, "restartCount": 0, "state": waits}
    cluster.set_status("pod", namespace, "work-1", {"containerStatuses": [state]})
    run = stack.finish(process)
    assert run.code != 0
    assert "timed out" in run.text
    assert "[ErrImagePull] no such image a:1" in run.text


DEPLOYMENT = """
    labels = {{"app": "web"}}
    k8s.apps.v1.{kind}("web", metadata={{"namespace": NS, "name": "web", "annotations": {annotations}}}, spec={{
        "replicas": 1, {more} "selector": {{"matchLabels": labels}}, "template": {{"metadata": {{"labels": labels}},
        "spec": {{"containers": [{{"name": "web", "image": "a:1"}}]}}}}}}, opts=on(provider()))
    """


def test_skip_await_and_a_time_out_by_annotation(stack: Stack, cluster: Cluster, namespace: str) -> None:
    short = {"pulumi.com/timeoutSeconds": "2"}
    stack_kind = {"kind": "Deployment", "more": ""}
    run = stack.up(DEPLOYMENT.format(annotations=short, **stack_kind), fails=True)
    assert "timed out" in run.text
    assert stack.state()["web"]["initErrors"]
    skipped = stack.up(DEPLOYMENT.format(annotations={"pulumi.com/skipAwait": "true"}, **stack_kind))
    assert skipped.steps == {"web": "update"}
    assert "initErrors" not in stack.state()["web"]
    assert cluster.get("deployment", "web", "-n", namespace)


def test_a_stateful_set_waits_for_its_replicas(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.program(DEPLOYMENT.format(annotations={}, kind="StatefulSet", more='"serviceName": "web",'))
    process = stack.engine("up")
    waiting(stack, process, cluster, "statefulset", "web", "-n", namespace)
    ready = {"replicas": 1, "currentReplicas": 1, "currentRevision": "r1", "updateRevision": "r1"}
    cluster.set_status("statefulset", namespace, "web", {**ready, "observedGeneration": 1, "readyReplicas": 0})
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    cluster.set_status("statefulset", namespace, "web", {**ready, "observedGeneration": 1, "readyReplicas": 1})
    run = stack.finish(process)
    assert run.code == 0, run.text


SERVICE = """
    k8s.core.v1.Service("door", metadata={{"namespace": NS, "name": "door"}}, spec={spec}, opts=on(provider()))
    """


def test_a_load_balancer_waits_for_its_address(stack: Stack, cluster: Cluster, namespace: str) -> None:
    ports = [{"port": 53, "protocol": "UDP"}]
    stack.program(SERVICE.format(spec={"type": "LoadBalancer", "ports": ports}))
    process = stack.engine("up")
    waiting(stack, process, cluster, "service", "door", "-n", namespace)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    cluster.set_status("service", namespace, "door", {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}})
    run = stack.finish(process)
    assert run.code == 0, run.text
    assert stack.state()["door"]["outputs"]["status"]["loadBalancer"]["ingress"][0]["ip"] == "10.0.0.1"


def test_headless_and_selectorless_services_wait_for_no_pod(stack: Stack) -> None:
    ports = [{"port": 80}]
    began = time.monotonic()
    stack.up(SERVICE.format(spec={"clusterIP": "None", "selector": {"a": "b"}, "ports": ports}))
    stack.up(SERVICE.format(spec={"ports": ports}))
    assert time.monotonic() - began < 60


@pytest.mark.long
def test_a_service_with_a_selector_waits_for_ready_endpoints(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.program(SERVICE.format(spec={"selector": {"a": "b"}, "ports": [{"port": 80}]}))
    process = stack.engine("up")
    waiting(stack, process, cluster, "service", "door", "-n", namespace)
    ports = [{"port": 80}]
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "door", "namespace": namespace}}
    unready = [{"notReadyAddresses": [{"ip": "10.0.0.9"}], "ports": ports}]
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({**endpoints, "subsets": unready}))
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(12)
    ready = [{"addresses": [{"ip": "10.0.0.9"}], "ports": ports}]
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({**endpoints, "subsets": ready}))
    run = stack.finish(process)
    assert run.code == 0, run.text


def test_wait_for_replaces_the_kinds_own_condition(stack: Stack, cluster: Cluster, namespace: str) -> None:
    wait_for = json.dumps(["condition=SuccessCriteriaMet", "jsonpath={.status.active}=3"])
    stack.program(JOB.format(annotations={"pulumi.com/waitFor": wait_for}, image="a:1", timeout="2m"))
    process = stack.engine("up")
    waiting(stack, process, cluster, "job", "work", "-n", namespace)
    condition = {"type": "SuccessCriteriaMet", "status": "True"}
    cluster.set_status("job", namespace, "work", {**STARTED, "conditions": [condition]})
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    cluster.set_status("job", namespace, "work", {"active": 3})
    run = stack.finish(process)
    assert run.code == 0, run.text


def test_cancelling_keeps_what_was_made(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.program(JOB.format(annotations={}, image="a:1", timeout="5m"))
    process = stack.engine("up")
    waiting(stack, process, cluster, "job", "work", "-n", namespace)
    plugins = [pid for pid in descendants(process.pid) if "pulumi-resource-kubernetes" in command(pid)]
    assert plugins
    process.send_signal(signal.SIGINT)
    run = stack.finish(process, timeout=60)
    assert run.code != 0
    assert "cancel" in run.text
    assert stack.state()["work"]["id"] == f"{namespace}/work"
    until(lambda: not any("pulumi-resource-kubernetes" in command(pid) for pid in plugins), 10)


def test_a_killed_engine_leaves_no_plugin_behind(stack: Stack, cluster: Cluster, namespace: str) -> None:
    stack.program(JOB.format(annotations={}, image="a:1", timeout="5m"))
    process = stack.engine("up")
    waiting(stack, process, cluster, "job", "work", "-n", namespace)
    children = descendants(process.pid)
    assert len(children) >= 3, "a language host, a program and a provider"
    process.kill()
    process.communicate()
    until(lambda: not any("pulumi" in command(pid) for pid in children), 20)


def test_deletion_waits_for_finalizers(stack: Stack, cluster: Cluster, namespace: str) -> None:
    program = """
        metadata = {"namespace": NS, "name": "held", "finalizers": ["conformance.test/held"]}
        k8s.core.v1.ConfigMap("held", metadata=metadata,
            opts=on(provider(), custom_timeouts=pulumi.CustomTimeouts(delete="3s")))
        """
    stack.up(program)
    refused = stack.destroy(fails=True)
    assert "conformance.test/held" in refused.text
    assert "held" in stack.state()
    cluster.kubectl(
        "patch", "configmap", "held", "-n", namespace, "--type=merge", '-p={"metadata":{"finalizers":null}}'
    )
    stack.destroy()
    assert cluster.get("configmap", "held", "-n", namespace) is None
