"""EKS's own add-ons, which take the place of what EKS would put into a new cluster unasked."""

import json
from collections.abc import Mapping, Sequence

import pulumi
from pulumi_aws import eks

from .eks_access import CNI_POLICIES, CSI_POLICIES, POD_ACTIONS, Role, trust

PEERED_MTU = 8500
"""Bytes: the largest packet between regions through peered VPCs or Transit Gateways (AWS, "Network MTU")."""

PODS = "pods.eks.amazonaws.com"


def cni_values(mtu: int) -> str:
    """The vpc-cni add-on's configuration.

    - External SNAT: a pod keeps its address outside its VPC. Else other regions would see its host's.
    - The MTU of hosts and pods is what the paths between regions take, so that nothing depends on its discovery.
    - Network policies are enforced.
    """
    environment = {"AWS_VPC_K8S_CNI_EXTERNALSNAT": "true", "AWS_VPC_ENI_MTU": str(mtu)}
    return json.dumps({"enableNetworkPolicy": "true", "env": environment}, sort_keys=True)


def coredns_values(corefile: str) -> str:
    """The coredns add-on's configuration: the whole Corefile, for what it does not hold the add-on takes out again."""
    return json.dumps({"corefile": corefile})


def network_addons(
    name: str, location: str, cluster: eks.Cluster, versions: Mapping[str, str], mtu: int, parent: pulumi.Resource
) -> list[eks.Addon]:
    """What a host needs to be ready: to be there, in the version for its Kubernetes, before it is."""
    own = pulumi.ResourceOptions(parent=parent)
    role = Role(f"{name}-cni", location, trust(PODS, POD_ACTIONS), CNI_POLICIES, own)
    return [
        _addon(name, location, cluster, versions, "eks-pod-identity-agent", own),
        _addon(name, location, cluster, versions, "kube-proxy", own),
        _addon(
            name,
            location,
            cluster,
            versions,
            "vpc-cni",
            pulumi.ResourceOptions(parent=parent, depends_on=role.granted),
            values=cni_values(mtu),
            rights={"service_account": "aws-node", "role_arn": role.arn},
        ),
    ]


def service_addons(
    name: str,
    location: str,
    cluster: eks.Cluster,
    versions: Mapping[str, str],
    corefile: str,
    waits_for: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> list[eks.Addon]:
    """What runs in pods on hosts, DNS and disks: made once there are hosts (`waits_for`), gone before them."""
    own = pulumi.ResourceOptions(parent=parent)
    role = Role(f"{name}-csi", location, trust(PODS, POD_ACTIONS), CSI_POLICIES, own)
    return [
        _addon(
            name,
            location,
            cluster,
            versions,
            "coredns",
            pulumi.ResourceOptions(parent=parent, depends_on=list(waits_for)),
            values=coredns_values(corefile),
        ),
        _addon(
            name,
            location,
            cluster,
            versions,
            "aws-ebs-csi-driver",
            pulumi.ResourceOptions(parent=parent, depends_on=[*role.granted, *waits_for]),
            rights={"service_account": "ebs-csi-controller-sa", "role_arn": role.arn},
        ),
    ]


def _addon(
    name: str,
    location: str,
    cluster: eks.Cluster,
    versions: Mapping[str, str],
    addon_name: str,
    opts: pulumi.ResourceOptions,
    *,
    values: str | None = None,
    rights: eks.AddonPodIdentityAssociationArgsDict | None = None,
) -> eks.Addon:
    """One add-on. Without a version of its own it gets EKS's default for the cluster's, at creation alone. `rights`: a
    role that its pods have, by pod identity."""
    return eks.Addon(
        f"{name}-{addon_name}",
        region=location,
        cluster_name=cluster.name,
        addon_name=addon_name,
        addon_version=versions.get(addon_name),
        configuration_values=values,
        pod_identity_associations=None if rights is None else [rights],
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="OVERWRITE",
        opts=opts,
    )
