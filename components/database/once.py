"""A Job that runs once in a region's life, under an account of its own that may ask the API for nothing."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from . import jobs, names


def run_once(
    parent: pulumi.Resource,
    name: str,
    object_name: str,
    namespace: str,
    pod: jobs.JobPod,
    deadline_seconds: int,
    needs: Sequence[pulumi.Resource] = (),
) -> None:
    """Declare the ServiceAccount and the awaited Job, both called `object_name`, as children of `parent`.

    What was done stays done: no later image, label or address makes the Job anew. `needs`: what its pod mounts.
    """
    labels = names.job_labels(pod.component)
    account = k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata={"name": object_name, "namespace": namespace, "labels": labels},
        automount_service_account_token=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    k8s.batch.v1.Job(
        f"{name}-job",
        metadata={
            "name": object_name,
            "namespace": namespace,
            "labels": labels,
            "annotations": jobs.REPLACE_UNREADY,
        },
        spec=jobs.job_spec(pod),
        opts=jobs.job_options(parent, deadline_seconds, depends_on=[account, *needs], ignore_changes=["spec"]),
    )
