"""Who may do what in an EKS cluster: access entries, their policies, and roles of pods."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.clouds.aws import tokens
from lab.clouds.aws.eks_rules import eks, the_cluster
from lab.clouds.aws.iam import find_role, trusts
from lab.clouds.aws.lookup import common
from lab.clouds.aws.names import arn, moment, region_of
from lab.clouds.kinds import Cloud, Kind, Times, register
from lab.clouds.store import Record

PODS = "pods.eks.amazonaws.com"

PRINCIPAL = re.compile(r"arn:aws:iam::\d{12}:(role|user)/[\w+=,.@/-]+")

POLICY = "arn:aws:eks::aws:cluster-access-policy/"

POLICIES = frozenset(
    {
        "AmazonEKSAdminPolicy",
        "AmazonEKSAdminViewPolicy",
        "AmazonEKSAutoNodePolicy",
        "AmazonEKSClusterAdminPolicy",
        "AmazonEKSEditPolicy",
        "AmazonEKSSecretReaderPolicy",
        "AmazonEKSViewPolicy",
    }
)


def accessible(cloud: Cloud, action: str, inputs: Mapping[str, Any]) -> Record:
    """A cluster that knows access entries. Raises Refused."""
    cluster = the_cluster(cloud, action, inputs["clusterName"], region_of(cloud, inputs))
    if (cluster["accessConfig"] or {}).get("authenticationMode") == "CONFIG_MAP":
        message = (
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
            "operation."
        )
        raise eks(action, "InvalidRequestException", message)
    return cluster


@register
class AccessEntry(Kind):
    """A principal that a cluster knows."""

    token = tokens.ACCESS_ENTRY
    times = Times(create=2, update=2, delete=2)
    replaces = frozenset({"clusterName", "principalArn", "region", "type"})
    computed = ("accessEntryArn", "createdAt", "kubernetesGroups", "modifiedAt", "userName")
    defaults: ClassVar[Mapping[str, Any]] = {"type": "STANDARD"}
    shapes = False

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "CreateAccessEntry", region_of(cloud, inputs)
        cluster, who = accessible(cloud, action, inputs), inputs["principalArn"]
        if not PRINCIPAL.fullmatch(who):
            message = "The specified principalArn is invalid: invalid principal."
            raise eks(action, "InvalidParameterException", message)
        id = f"{cluster.id}:{who}"
        if cloud.state.get(self.token, id) is not None:
            message = "The specified access entry resource is already in use on this cluster."
            raise eks(action, "ResourceInUseException", message)
        now, (kind, _, name) = moment(), who.rpartition(":")[2].partition("/")
        place = f"access-entry/{cluster.id}/{kind}/{cloud.account}/{name}/{cloud.random(8)}-{cloud.random(4)}"
        return id, common(
            cloud,
            inputs,
            region,
            accessEntryArn=arn(cloud, "eks", region, place),
            createdAt=now,
            kubernetesGroups=inputs.get("kubernetesGroups") or [],
            modifiedAt=now,
            userName=inputs.get("userName") or who,
        )

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"modifiedAt": moment(), "tagsAll": dict(inputs.get("tags") or {})}


@register
class AccessPolicyAssociation(Kind):
    """What a known principal may do."""

    token = tokens.ACCESS_POLICY
    times = Times(create=2, delete=2)
    replaces = frozenset({"accessScope", "clusterName", "policyArn", "principalArn", "region"})
    computed = ("associatedAt", "modifiedAt")
    shapes = False

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "AssociateAccessPolicy", region_of(cloud, inputs)
        cluster, who, policy = accessible(cloud, action, inputs), inputs["principalArn"], inputs["policyArn"]
        if cloud.state.get(tokens.ACCESS_ENTRY, f"{cluster.id}:{who}") is None:
            message = (
                "The specified principalArn could not be found. You can view your available access entries with "
                "'list-access-entries'."
            )
            raise eks(action, "ResourceNotFoundException", message)
        if not policy.startswith(POLICY) or policy.removeprefix(POLICY) not in POLICIES:
            message = f"The policyArn parameter format is not valid: {policy}"
            raise eks(action, "InvalidParameterException", message)
        scope = inputs["accessScope"]
        if (scope["type"] == "namespace") != bool(scope.get("namespaces")):
            message = "You must specify namespaces with access scope type namespace, and with no other"
            raise eks(action, "InvalidParameterException", message)
        now = moment()
        return f"{cluster.id}#{who}#{policy}", {"region": region, "associatedAt": now, "modifiedAt": now}


@register
class PodIdentityAssociation(Kind):
    """The role that a service account's pods have."""

    token = tokens.POD_IDENTITY
    times = Times(create=2, update=2, delete=2)
    replaces = frozenset({"clusterName", "namespace", "region", "serviceAccount"})
    computed = ("associationArn", "associationId", "externalId")
    shapes = False

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region = "CreatePodIdentityAssociation", region_of(cloud, inputs)
        cluster = the_cluster(cloud, action, inputs["clusterName"], region)
        account = {name: inputs[name] for name in ("clusterName", "namespace", "serviceAccount")}
        other = cloud.state.one(self.token, **account)
        if other is not None:
            raise eks(action, "ResourceInUseException", f"Association already exists: {other.id}")
        refuse_pod_role(cloud, action, inputs["roleArn"])
        id = f"a-{cloud.random(17)}"
        place = arn(cloud, "eks", region, f"podidentityassociation/{cluster.id}/{id}")
        return id, common(cloud, inputs, region, associationArn=place, associationId=id)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        refuse_pod_role(cloud, "UpdatePodIdentityAssociation", inputs["roleArn"])
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return ()


def refuse_pod_role(cloud: Cloud, action: str, place: str) -> None:
    """Raises Refused where a role can't be that of pods."""
    if not trusts(find_role(cloud.state, place), PODS):
        message = f"Role provided in the request does not exist, or its trust policy does not have {PODS}: {place}"
        raise eks(action, "InvalidParameterException", message)
