"""Jobs whose work is done once: in a region's life, or for each content. A later image, label or address is no reason
to do it again.
"""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from . import jobs, names


def account(parent: pulumi.Resource, name: str, namespace: str, pod: jobs.JobPod) -> k8s.core.v1.ServiceAccount:
    """Declare the account that the pod runs under; it may ask the API for nothing."""
    return k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata={"name": pod.service_account, "namespace": namespace, "labels": names.job_labels(pod.component)},
        automount_service_account_token=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def run_once(
    parent: pulumi.Resource,
    name: str,
    object_name: str,
    namespace: str,
    pod: jobs.JobPod,
    needs: Sequence[pulumi.Resource] = (),
) -> None:
    """Declare the account and the awaited Job `object_name`, as children of `parent`. `needs`: what its pod mounts."""
    _job(parent, f"{name}-job", object_name, namespace, pod, [account(parent, name, namespace, pod), *needs])


def run_for_each(
    parent: pulumi.Resource,
    name: str,
    object_name: str,
    namespace: str,
    data: Mapping[str, str],
    pod: jobs.JobPod,
    needs: Sequence[pulumi.Resource],
) -> None:
    """Declare a ConfigMap of `data` and the awaited Job that reads it, both called `object_name`.

    Both names end with a hash of what the Job does, so that other work is another Job, which runs before the old one
    goes. `needs`: the account, and what has to be done before.
    """
    config_map = k8s.core.v1.ConfigMap(
        name,
        metadata={"name": object_name, "namespace": namespace, "labels": names.job_labels(pod.component)},
        data=dict(data),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    _job(parent, name, object_name, namespace, pod, [config_map, *needs])


def _job(
    parent: pulumi.Resource,
    name: str,
    object_name: str,
    namespace: str,
    pod: jobs.JobPod,
    needs: Sequence[pulumi.Resource],
) -> None:
    k8s.batch.v1.Job(
        name,
        metadata={
            "name": object_name,
            "namespace": namespace,
            "labels": names.job_labels(pod.component),
            "annotations": jobs.REPLACE_UNREADY,
        },
        spec=jobs.job_spec(pod),
        opts=jobs.job_options(parent, pod.deadline_seconds, depends_on=list(needs), ignore_changes=["spec"]),
    )
