"""What EKS refuses of a cluster, and what it takes where nothing is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from lab.clouds.aws import tokens
from lab.clouds.aws.kms import find_key
from lab.clouds.aws.lookup import network
from lab.clouds.aws.names import refusal
from lab.clouds.kinds import Cloud, Refused
from lab.clouds.store import Record

VERSIONS = range(31, 37)
"""Minor versions of Kubernetes 1 in standard or extended support."""

DEFAULT_VERSION = "1.35"

PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

SERVICE_PREFIXES = range(12, 25)
"""How long the prefix of the Services' range may be."""


def eks(action: str, code: str, message: str) -> Refused:
    return refusal("EKS", action, code, message)


def the_cluster(cloud: Cloud, action: str, name: str, region: str) -> Record:
    """An active cluster. Raises Refused."""
    cluster = cloud.state.get(tokens.CLUSTER, name)
    if cluster is None or cluster["region"] != region:
        raise eks(action, "ResourceNotFoundException", f"No cluster found for name: {name}.")
    if cluster["status"] not in ("ACTIVE", "UPDATING"):
        raise eks(action, "InvalidRequestException", f"Cluster '{name}' is not in ACTIVE status")
    return cluster


def vpc_config(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """With what EKS takes where nothing is given: the endpoint is public, to everybody, and not private."""
    return {
        "endpointPrivateAccess": False,
        "endpointPublicAccess": True,
        "publicAccessCidrs": ["0.0.0.0/0"],
        **inputs["vpcConfig"],
    }


def access_config(inputs: Mapping[str, Any]) -> dict[str, Any]:
    given = inputs.get("accessConfig") or {}
    return {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True, **given}


def default_services(vpc: Record) -> str:
    """What EKS takes for Services by itself."""
    return "172.20.0.0/16" if network(vpc).overlaps(PRIVATE[0]) else "10.100.0.0/16"


def refuse_services(action: str, text: str, vpc: Record) -> None:
    try:
        services = IPv4Network(text)
    except ValueError as error:
        message = f"The specified service IPv4 CIDR block {text} is invalid"
        raise eks(action, "InvalidParameterException", message) from error
    if services.prefixlen not in SERVICE_PREFIXES or not any(services.subnet_of(each) for each in PRIVATE):
        message = (
            "The specified service IPv4 CIDR block must be between /24 and /12, within 10.0.0.0/8, 172.16.0.0/12 or "
            "192.168.0.0/16"
        )
        raise eks(action, "InvalidParameterException", message)
    if services.overlaps(network(vpc)):
        message = f"The specified service IPv4 CIDR block {text} overlaps with the CIDR of VPC {vpc.id}"
        raise eks(action, "InvalidParameterException", message)


def refuse_endpoints(action: str, inputs: Mapping[str, Any]) -> None:
    config = vpc_config(inputs)
    if not config["endpointPublicAccess"] and not config["endpointPrivateAccess"]:
        message = "Private and public endpoint access cannot be false"
        raise eks(action, "InvalidParameterException", message)
    if not config["endpointPublicAccess"]:
        return
    bad = [cidr for cidr in config["publicAccessCidrs"] if any(IPv4Network(cidr).subnet_of(each) for each in PRIVATE)]
    if bad:
        message = f"The following CIDRs are not allowed in publicAccessCidrs: [{', '.join(bad)}]"
        raise eks(action, "InvalidParameterException", message)


def refuse_encryption(cloud: Cloud, action: str, inputs: Mapping[str, Any], region: str) -> None:
    config = inputs.get("encryptionConfig")
    if not config:
        return
    if config["resources"] != ["secrets"]:
        message = "The resources in encryptionConfig must be [secrets]"
        raise eks(action, "InvalidParameterException", message)
    key = find_key(cloud, config["provider"]["keyArn"], region)
    if key is None or not key["isEnabled"] or key["customerMasterKeySpec"] != "SYMMETRIC_DEFAULT":
        message = f"The keyArn in encryptionConfig provider is invalid: {config['provider']['keyArn']}"
        raise eks(action, "InvalidParameterException", message)


def minors(version: str) -> Iterator[int]:
    """The minor version, where it is one of Kubernetes 1."""
    match = re.fullmatch(r"1\.(\d+)", version)
    if match:
        yield int(match[1])


def refuse_version(action: str, current: str | None, wanted: str) -> None:
    """Raises Refused for what EKS doesn't run, or can't upgrade to: one minor version at a time, and not back."""
    minor = next(minors(wanted), None)
    if minor is None or (minor not in VERSIONS and wanted != current):
        raise eks(action, "InvalidParameterException", f"unsupported Kubernetes version {wanted}")
    if current is not None and minor not in (int(current.split(".")[1]), int(current.split(".")[1]) + 1):
        message = f"Unsupported Kubernetes minor version update from {current} to {wanted}"
        raise eks(action, "InvalidParameterException", message)
