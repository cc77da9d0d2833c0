"""The shape of every Job here, rendered from plain values."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from . import names
from .fragments import READ_ONLY, Manifest, container_security, pod_security, small_resources

REPLACE_UNREADY = {"pulumi.com/replaceUnready": "true"}
"""A Job that failed for good is made anew by the next `up`; one that succeeded stays as it is."""


@dataclass(frozen=True, slots=True)
class JobPod:
    """What differs between the Jobs."""

    component: str
    service_account: str
    containers: Sequence[Manifest]
    deadline_seconds: int
    """After this the Job has failed, whatever its pod does."""
    init_containers: Sequence[Manifest] = ()
    volumes: Sequence[Manifest] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 3


def container(
    name: str,
    image: str,
    command: Sequence[str],
    env: Mapping[str, str],
    mounts: Sequence[Manifest],
    resources: Manifest | None = None,
) -> Manifest:
    """A container of a Job, with nothing writable but /tmp. `resources`: those of a short script where missing."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "env": [{"name": key, "value": value} for key, value in {"HOME": names.TMP_DIR, **env}.items()],
        "resources": resources or small_resources(),
        "securityContext": container_security(),
        # The last lines of a failed script become the pod's status, and so part of what `up` reports.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [*mounts, {"name": "tmp", "mountPath": names.TMP_DIR}],
    }


def job_spec(pod: JobPod) -> Manifest:
    """`spec` of the Job."""
    return {
        "backoffLimit": pod.retries,
        "activeDeadlineSeconds": pod.deadline_seconds,
        "completions": 1,
        "parallelism": 1,
        "template": {
            "metadata": {
                "labels": {**pod.labels, **names.job_labels(pod.component)},
                "annotations": dict(pod.annotations),
            },
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": pod.service_account,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": pod_security(),
                "initContainers": list(pod.init_containers),
                "containers": list(pod.containers),
                "volumes": [*pod.volumes, {"name": "tmp", "emptyDir": {}}],
            },
        },
    }


def client_volume(user: str) -> Manifest:
    """A SQL user's certificate and key."""
    return {"name": "client", "secret": {"secretName": names.client_secret(user), "defaultMode": READ_ONLY}}


def client_mount() -> Manifest:
    """`--certs-dir` of a Job."""
    return {"name": "client", "mountPath": names.CLIENT_CERTS_DIR, "readOnly": True}


def authority_volume() -> Manifest:
    """The CA certificate alone, out of the node's Secret."""
    items = [{"key": "ca.crt", "path": "ca.crt"}]
    return {"name": "authority", "secret": {"secretName": names.NODE_SECRET, "defaultMode": READ_ONLY, "items": items}}


def authority_mount() -> Manifest:
    """Where the CA certificate is."""
    return {"name": "authority", "mountPath": names.CERTS_DIR, "readOnly": True}


def join_volume() -> Manifest:
    """The join list and the list of members."""
    return {"name": "join", "configMap": {"name": names.JOIN_CONFIG_MAP, "defaultMode": READ_ONLY}}


def join_mount() -> Manifest:
    """Where the lists are."""
    return {"name": "join", "mountPath": names.JOIN_DIR, "readOnly": True}


def content_hash(*parts: object) -> str:
    """Ten hexadecimal digits that change exactly when a part does.

    A Job's name carries them, so that it runs once for each content.
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:10]


def job_options(parent: pulumi.Resource, deadline_seconds: int, **options: Any) -> pulumi.ResourceOptions:
    """Options of an awaited Job.

    `up` waits a little longer than the Job itself may take, so that the Job's own end is what it reports.
    """
    timeout = f"{deadline_seconds + 60}s"
    return pulumi.ResourceOptions(
        parent=parent,
        custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
        delete_before_replace=True,
        **options,
    )
