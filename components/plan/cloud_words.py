"""Value rules about the words of the clouds: projects, machine types, ARNs, and keys that are not a platform's."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Any

from .model import GcpNetworkMode, NatGateways, Platform
from .quotas import AWS_QUOTAS, GCP_QUOTAS
from .rules import suggest, value_rule

RELEASE_CHANNELS = ("RAPID", "REGULAR", "STABLE", "EXTENDED")
STORAGE_TYPES = ("pd-balanced", "pd-extreme", "pd-ssd", "hyperdisk-balanced", "hyperdisk-extreme")
"""Disk types of GKE's CSI driver on SSDs; `pd-standard` is a spinning disk, where CockroachDB stalls."""

ADDONS = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver")
"""EKS add-ons that a cluster has."""

MAX_TRANSIT_GATEWAY_FROM = 126
"""A VPC takes 125 peerings at most, whatever the quota (Amazon VPC quotas): 126 regions in a mesh."""

_CLUSTER = "whose clusters the program makes; leave it out, or use platform existing for a cluster that is there"
_NETWORK = "whose network the program makes, with routes to every pod; leave it out"
_RANGE = "whose ranges are cut from the region's cidr; leave it out, and give a cidr where the default is taken"
_ADDRESS = "whose addresses are cut from the region's cidr; leave it out, and give a cidr where the default is taken"
_BALANCER = "whose load balancers the program makes, internal ones; leave it out"

NOT_HERE = {
    "kubeconfig": _CLUSTER,
    "context": _CLUSTER,
    "nodeCidr": _RANGE,
    "podCidr": _RANGE,
    "serviceCidr": _RANGE,
    "dnsAddresses": _ADDRESS,
    "sqlAddress": _ADDRESS,
    "dnsManaged": _BALANCER,
    "loadBalancer": _BALANCER,
    "podsRouted": _NETWORK,
}
"""Keys of a region that only `existing` has, and why."""

_PROJECT = re.compile(r"[a-z][-a-z0-9]{4,28}[a-z0-9]")
_MACHINE_TYPE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+){1,3}")
_INSTANCE_TYPE = re.compile(r"[a-z][-a-z0-9]*\.[a-z0-9]+(-[a-z0-9]+)*")
_KUBERNETES_VERSION = re.compile(r"1\.[1-9][0-9]")
_ADDON_VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+")
_PRINCIPAL = re.compile(r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:(user|role)/[\w+=,.@/-]+")


@value_rule("not-here")
def _not_here(value: tuple[Platform, str]) -> str | None:
    platform, key = value
    return f"is not for platform {platform}, {NOT_HERE[key]}"


@value_rule("gcp-project")
def _project(value: str) -> str | None:
    """Form of a project's id: 6 to 30 characters (Resource Manager, `projects`)."""
    if _PROJECT.fullmatch(value):
        return None
    return "is not a project's id; use 6 to 30 of a-z, 0-9 and -, with a letter first and no - at the end"


@value_rule("gcp-network")
def _network(value: str) -> str | None:
    words = [str(mode) for mode in GcpNetworkMode]
    return None if value in words else f"is not a way to join regions; {suggest(value, words)}"


@value_rule("release-channel")
def _release_channel(value: str) -> str | None:
    return None if value in RELEASE_CHANNELS else f"is not a release channel of GKE; {suggest(value, RELEASE_CHANNELS)}"


@value_rule("machine-type")
def _machine_type(value: str) -> str | None:
    return None if _MACHINE_TYPE.fullmatch(value) else "is not a machine type; use a form such as n2-standard-8"


@value_rule("storage-type")
def _storage_type(value: str) -> str | None:
    return None if value in STORAGE_TYPES else f"is not an SSD of GKE's CSI driver; {suggest(value, STORAGE_TYPES)}"


@value_rule("nat-gateways")
def _nat_gateways(value: str) -> str | None:
    words = [str(word) for word in NatGateways]
    return None if value in words else f"is not a number of NAT gateways; use {' or '.join(words)}"


@value_rule("instance-type")
def _instance_type(value: str) -> str | None:
    return None if _INSTANCE_TYPE.fullmatch(value) else "is not an instance type; use a form such as m6i.2xlarge"


@value_rule("kubernetes-version")
def _kubernetes_version(value: str) -> str | None:
    if _KUBERNETES_VERSION.fullmatch(value):
        return None
    return 'is not a Kubernetes version of EKS; use the form "1.36", without a patch'


@value_rule("addon")
def _addon(value: str) -> str | None:
    return None if value in ADDONS else f"is not an add-on of these clusters; {suggest(value, ADDONS)}"


@value_rule("addon-version")
def _addon_version(value: str) -> str | None:
    if _ADDON_VERSION.fullmatch(value):
        return None
    return "is not a version of an EKS add-on; use a form such as v1.20.4-eksbuild.2"


@value_rule("principal")
def _principal(value: str) -> str | None:
    if _PRINCIPAL.fullmatch(value):
        return None
    return "is not the ARN of an IAM role or user; use a form such as arn:aws:iam::111122223333:role/admins"


@value_rule("transit-gateway-from")
def _transit_gateway_from(value: int) -> str | None:
    if 2 <= value <= MAX_TRANSIT_GATEWAY_FROM:
        return None
    return f"is not between 2 and {MAX_TRANSIT_GATEWAY_FROM}; a VPC takes 125 peerings at most, use 10"


@value_rule("authorized-cidr")
def _authorized_cidr(value: str) -> str | None:
    """Who may reach a control plane."""
    return _anyones(value, "list the ranges of those who administer the clusters")


@value_rule("client-cidr")
def _client_cidr(value: str) -> str | None:
    """Who may reach SQL."""
    return _anyones(value, "list the ranges that SQL clients are in")


LEAST_PREFIX = 8
"""The widest range that one organisation has: 10.0.0.0/8, or its like."""


def _anyones(value: str, instead: str) -> str | None:
    """A range of anyone's, but not everyone's."""
    try:
        network = IPv4Network(value, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return "is not an IPv4 range; use CIDR form such as 203.0.113.0/24"
    if "/" not in value:
        return f"has no prefix length; use CIDR form such as {value}/32"
    if str(network.network_address) != value.split("/")[0]:
        return f"has bits set after its prefix; use {network}"
    if network.prefixlen < LEAST_PREFIX:
        return f"is {'the whole' if network.prefixlen == 0 else 'much of the'} internet; {instead}"
    return None


@value_rule("aws-quota")
def _aws_quota(value: str) -> str | None:
    return None if value in AWS_QUOTAS else f"is not a quota that is checked here; {suggest(value, AWS_QUOTAS)}"


@value_rule("gcp-quota")
def _gcp_quota(value: str) -> str | None:
    return None if value in GCP_QUOTAS else f"is not a quota that is checked here; {suggest(value, GCP_QUOTAS)}"


@value_rule("positive")
def _positive(value: Any) -> str | None:
    return None if value > 0 else "is not above 0; use the quota that your account has"
