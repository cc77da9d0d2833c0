"""The control plane of an EKS cluster, and the key that its Secrets are encrypted with."""

from collections.abc import Sequence

import pulumi
from pulumi_aws import eks, kms

from .eks_access import CLUSTER_POLICIES, Role, trust

LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"]


def control_plane(
    name: str,
    location: str,
    subnets: Sequence[pulumi.Input[str]],
    *,
    service_cidr: str,
    public_cidrs: Sequence[str],
    version: str | None,
    deletion_protection: bool,
    parent: pulumi.Resource,
) -> eks.Cluster:
    """The cluster, empty: its API server has a public endpoint only where `public_cidrs` names who may use it, and
    no add-on is in it unasked. Waits for subnets and for its role's rights, which stay until it is gone."""
    own = pulumi.ResourceOptions(parent=parent)
    key = kms.Key(
        f"{name}-secrets",
        region=location,
        description=f"Kubernetes Secrets of {name}",
        enable_key_rotation=True,
        opts=own,
    )
    role = Role(f"{name}-cluster", location, trust("eks.amazonaws.com"), CLUSTER_POLICIES, own)
    endpoints: eks.ClusterVpcConfigArgsDict = {
        "subnet_ids": list(subnets),
        "endpoint_private_access": True,
        "endpoint_public_access": bool(public_cidrs),
    }
    if public_cidrs:
        endpoints["public_access_cidrs"] = list(public_cidrs)
    return eks.Cluster(
        f"{name}-cluster",
        region=location,
        version=version,
        role_arn=role.arn,
        bootstrap_self_managed_addons=False,
        access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
        vpc_config=endpoints,
        kubernetes_network_config={"ip_family": "ipv4", "service_ipv4_cidr": service_cidr},
        encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
        enabled_cluster_log_types=LOGS,
        deletion_protection=deletion_protection,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=role.granted),
    )
