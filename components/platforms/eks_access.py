"""IAM of an EKS cluster: who may act for it, and who administers it. AWS's managed policies and nothing wider."""

import json
from collections.abc import Sequence

import pulumi
from pulumi_aws import eks, iam

CLUSTER_POLICIES = ("AmazonEKSClusterPolicy",)
HOST_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
"""Hosts pull images and are known to EKS; what the network and the disks need is the pods' alone (pod identity)."""
CNI_POLICIES = ("AmazonEKS_CNI_Policy",)
CSI_POLICIES = ("service-role/AmazonEBSCSIDriverPolicy",)

POD_ACTIONS = ("sts:AssumeRole", "sts:TagSession")
"""What EKS Pod Identity asks for; it tags each session with cluster, namespace and service account."""


def partition(location: str) -> str:
    """The part of AWS that a region is in, as ARNs name it."""
    if location.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if location.startswith("us-gov-") else "aws"


def trust(service: str, actions: Sequence[str] = ("sts:AssumeRole",)) -> str:
    """A trust policy: only this AWS service may take the role."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def principal_label(arn: str) -> str:
    """An IAM principal as part of a logical name: `123456789012-role-admin`."""
    return "-".join(arn.split(":", 4)[-1].replace("/", ":").split(":"))


class Role:
    """A role and what makes it useful: whoever needs its rights waits for `granted`."""

    def __init__(
        self, name: str, location: str, trusted: str, policies: Sequence[str], opts: pulumi.ResourceOptions
    ) -> None:
        made = iam.Role(name, assume_role_policy=trusted, opts=opts)
        self.arn = made.arn
        self.granted: list[pulumi.Resource] = [
            iam.RolePolicyAttachment(
                f"{name}-{policy.rpartition('/')[2]}",
                role=made.name,
                policy_arn=f"arn:{partition(location)}:iam::aws:policy/{policy}",
                opts=opts,
            )
            for policy in policies
        ]


def administrators(
    name: str, location: str, cluster: eks.Cluster, arns: Sequence[str], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Cluster administrators beside the principal that made the cluster."""
    made: list[pulumi.Resource] = []
    for arn in arns:
        label = f"{name}-admin-{principal_label(arn)}"
        entry = eks.AccessEntry(label, region=location, cluster_name=cluster.name, principal_arn=arn, opts=opts)
        made.append(
            eks.AccessPolicyAssociation(
                label,
                region=location,
                cluster_name=cluster.name,
                principal_arn=entry.principal_arn,
                policy_arn=f"arn:{partition(location)}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                access_scope={"type": "cluster"},
                opts=opts,
            )
        )
    return made
