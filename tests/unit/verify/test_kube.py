"""What a run reads from the API: pod states, whose objects are left over, reports in logs."""

import json
import os
import socket
import subprocess
from types import SimpleNamespace as Thing
from typing import Any

import pytest
import urllib3
from kubernetes.client.exceptions import ApiException

from tests.unit.verify import world
from verify import kube
from verify.manifests import EXPIRES_ANNOTATION, OWNER_ANNOTATION


def pod(phase: str = "Pending", address: str | None = None, state: Any = None, condition: Any = None) -> Any:
    containers = [Thing(state=state)] if state else None
    return Thing(
        status=Thing(
            phase=phase,
            pod_ip=address,
            container_statuses=containers,
            conditions=[condition] if condition else None,
            message=None,
            reason=None,
        )
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pod("Running", "10.1.128.5", Thing(terminated=None, waiting=None)), ("running", "10.1.128.5")),
        (pod("Running", None), ("not-started", "phase Running")),
        (
            pod(condition=Thing(type="PodScheduled", reason="Unschedulable", message="0/3 nodes fit")),
            ("unschedulable", "0/3 nodes fit"),
        ),
        (
            pod(state=Thing(terminated=None, waiting=Thing(reason="ErrImagePull", message="no such image"))),
            ("not-started", "ErrImagePull: no such image"),
        ),
        (
            pod("Failed", "10.1.128.5", Thing(terminated=Thing(reason="Error", exit_code=1), waiting=None)),
            ("crashed", "Error, exit code 1"),
        ),
        (pod("Failed"), ("crashed", "failed")),
    ],
)
def test_a_pod_s_progress(given: Any, expected: tuple[str, str]) -> None:
    assert kube.progress(given) == expected


def annotations(owner: str, expires: float) -> dict[str, str]:
    return {OWNER_ANNOTATION: owner, EXPIRES_ANNOTATION: str(expires)}


def test_a_living_run_is_not_left_over() -> None:
    assert not kube.is_left_over(annotations(kube.owner(), 100.0), 50.0)


def test_a_run_past_its_time_is_left_over_whoever_made_it() -> None:
    assert kube.is_left_over(annotations(kube.owner(), 100.0), 101.0)


def test_a_run_of_a_process_that_is_gone_is_left_over_at_once() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert kube.is_left_over(annotations(f"{socket.gethostname()}:{process.pid}:1", 100.0), 50.0)


def test_a_process_id_used_again_is_not_the_owner() -> None:
    assert kube.is_left_over(annotations(f"{socket.gethostname()}:{os.getpid()}:1", 100.0), 50.0)


def test_a_run_of_another_machine_is_given_its_time() -> None:
    assert not kube.is_left_over(annotations("elsewhere:1:1", 100.0), 50.0)


def test_an_object_without_our_annotations_is_left_over() -> None:
    assert kube.is_left_over({}, 50.0)


def test_a_report_is_one_complete_line_of_this_run() -> None:
    report = json.dumps({"version": 5, "run": "run1", "zone": "a"})
    assert kube.find_report(f"warning\n{report}\n", "run1") == {"version": 5, "run": "run1", "zone": "a"}
    assert kube.find_report(report, "run1") is None
    assert kube.find_report(f"{report}\n", "run2") is None
    assert kube.find_report(json.dumps({"version": 0, "run": "run1"}) + "\n", "run1") is None


def test_the_server_s_words_are_kept() -> None:
    error = ApiException(403, "Forbidden")
    error.body = json.dumps({"message": "pods is forbidden"})
    assert kube.api_message(error) == "pods is forbidden"
    assert kube.api_message(ApiException(500, "Internal Server Error")) == "500 Internal Server Error"


def test_a_closed_port_is_an_unreachable_server(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "us-east1", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    region = world.target().region("us-east1")
    region = type(region)(**{**{f: getattr(region, f) for f in region.__slots__}, "kubeconfig": kubeconfig})
    with pytest.raises(kube.ApiError, match="refused") as caught:
        kube.Cluster(region, "run1").remove_left_overs()
    assert caught.value.status == "unreachable"
    assert "object at 0x" not in str(caught.value)


def test_a_context_that_is_not_there_is_told(tmp_path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []})
    )
    region = world.target().region("us-east1")
    region = type(region)(**{**{f: getattr(region, f) for f in region.__slots__}, "kubeconfig": kubeconfig})
    with pytest.raises(kube.ApiError, match="us-east1") as caught:
        kube.Cluster(region, "run1")
    assert caught.value.status == "no-kubeconfig"


def test_transport_errors_lose_their_object_addresses() -> None:
    error = urllib3.exceptions.NewConnectionError(Thing(host="h", __repr__=lambda: "x"), "Failed: refused")  # pyright: ignore
    assert "0x" not in kube.transport_message(error)
