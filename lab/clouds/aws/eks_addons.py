"""EKS add-ons: what runs in every cluster, in the versions and with the settings that EKS keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lab.clouds.aws import tokens
from lab.clouds.aws.addon_schemas import SCHEMAS, mistakes
from lab.clouds.aws.eks_access import refuse_pod_role
from lab.clouds.aws.eks_rules import eks, the_cluster
from lab.clouds.aws.iam import find_role
from lab.clouds.aws.lookup import common
from lab.clouds.aws.names import arn, moment, region_of
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import Record

VERSIONS: Mapping[str, str] = {
    "vpc-cni": "v1.20.4-eksbuild.2",
    "coredns": "v1.12.4-eksbuild.1",
    "kube-proxy": "eksbuild.2",
    "eks-pod-identity-agent": "v1.3.10-eksbuild.1",
    "aws-ebs-csi-driver": "v1.53.0-eksbuild.1",
}
"""What EKS installs where no version is asked for; kube-proxy's begins with the cluster's."""

NEEDS_HOSTS = frozenset({"coredns", "aws-ebs-csi-driver"})
"""Those with Deployments: they are not active before there is a host for them."""

SELF_MANAGED = frozenset({"vpc-cni", "coredns", "kube-proxy"})
"""What EKS puts into a new cluster unless it is told not to."""

CONFLICTS = ("NONE", "OVERWRITE", "PRESERVE")


@register
class Addon(Kind):
    """An add-on of a cluster, whose settings are checked against its schema."""

    token = tokens.ADDON
    times = Times(create=36, update=36, delete=10)
    replaces = frozenset({"addonName", "clusterName", "region"})
    computed = ("addonVersion", "arn", "createdAt", "modifiedAt")
    defaults: ClassVar[Mapping[str, Any]] = {"preserve": False}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name in ("resolveConflictsOnCreate", "resolveConflictsOnUpdate"):
            word = inputs.get(name)
            if isinstance(word, str) and word not in CONFLICTS:
                yield name, f'expected one of ["NONE" "OVERWRITE" "PRESERVE"], got {word}'
        if inputs.get("resolveConflictsOnCreate") == "PRESERVE":
            yield "resolveConflictsOnCreate", 'expected one of ["NONE" "OVERWRITE"], got PRESERVE'

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region, name = "CreateAddon", region_of(cloud, inputs), inputs["addonName"]
        cluster = the_cluster(cloud, action, inputs["clusterName"], region)
        if name not in SCHEMAS:
            raise eks(action, "InvalidParameterException", f"Addon {name} specified is not supported")
        id = f"{cluster.id}:{name}"
        if cloud.state.get(self.token, id) is not None:
            raise eks(action, "ResourceInUseException", "Addon already exists.")
        self._refuse(cloud, action, inputs)
        if self._conflicts(cluster, inputs):
            raise Refused(
                f"waiting for EKS Add-On ({id}) create: unexpected state 'CREATE_FAILED', wanted target 'ACTIVE'. last "
                "error: ConfigurationConflict: Conflicts found when trying to apply. Will not continue due to resolve "
                f"conflicts mode. Conflicts: ConfigMap {name} - .data"
            )
        now = moment()
        return id, common(
            cloud,
            inputs,
            region,
            addonVersion=inputs.get("addonVersion") or default_version(name, cluster),
            arn=arn(cloud, "eks", region, f"addon/{cluster.id}/{name}/{cloud.random(8)}-{cloud.random(12)}"),
            createdAt=now,
            modifiedAt=now,
        )

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        cluster, name = record["clusterName"], record["addonName"]
        if name in NEEDS_HOSTS and not has_hosts(cloud, cluster):
            raise Refused(
                f"waiting for EKS Add-On ({record.id}) create: timeout while waiting for state to become 'ACTIVE' "
                "(last state: 'DEGRADED', timeout: 20m0s): InsufficientNumberOfReplicas: The add-on is unhealthy "
                "because it doesn't have the desired number of replicas."
            )
        if name == "coredns":
            values = json.loads(record["configurationValues"] or "{}")
            cloud.substrate.set_dns(cluster, "coredns", values.get("corefile"))
        return None

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        cluster = the_cluster(cloud, "UpdateAddon", inputs["clusterName"], record["region"])
        self._refuse(cloud, "UpdateAddon", inputs)
        version = inputs.get("addonVersion") or record["addonVersion"] or default_version(record["addonName"], cluster)
        return {"addonVersion": version, "modifiedAt": moment(), "tagsAll": dict(inputs.get("tags") or {})}

    def unsettle(self, cloud: Cloud, record: Record) -> None:
        if record["addonName"] == "coredns" and not record["preserve"]:
            cloud.substrate.set_dns(record["clusterName"], "", None)

    def _refuse(self, cloud: Cloud, action: str, inputs: Mapping[str, Any]) -> None:
        name, text = inputs["addonName"], inputs.get("configurationValues")
        if text:
            try:
                values = json.loads(text)
            except ValueError as error:
                message = "ConfigurationValue provided in request is not supported: Invalid JSON or YAML"
                raise eks(action, "InvalidParameterException", message) from error
            wrong = list(mistakes(name, values))
            if wrong:
                message = (
                    "ConfigurationValue provided in request is not supported: Json schema validation failed with "
                    f"error: [{', '.join(wrong)}]"
                )
                raise eks(action, "InvalidParameterException", message)
        role = inputs.get("serviceAccountRoleArn")
        if role and find_role(cloud.state, role) is None:
            message = f"Role with arn: {role} does not exist"
            raise eks(action, "InvalidParameterException", message)
        for rights in inputs.get("podIdentityAssociations") or ():
            refuse_pod_role(cloud, action, rights["roleArn"])

    def _conflicts(self, cluster: Record, inputs: Mapping[str, Any]) -> bool:
        """Whether a self-managed add-on is there that differs, and may not be overwritten."""
        there = cluster["bootstrapSelfManagedAddons"] and inputs["addonName"] in SELF_MANAGED
        kept = inputs.get("resolveConflictsOnCreate", "NONE") != "OVERWRITE"
        return bool(there and kept and inputs.get("configurationValues"))


def default_version(name: str, cluster: Record) -> str:
    version = VERSIONS.get(name, "v1.0.0-eksbuild.1")
    return f"v{cluster['version']}.0-{version}" if name == "kube-proxy" else version


def has_hosts(cloud: Cloud, cluster: str) -> bool:
    """Whether a cluster has machines to run pods on."""
    groups = cloud.state.find(tokens.NODE_GROUP, clusterName=cluster, status="ACTIVE")
    return any(group["scalingConfig"]["desiredSize"] > 0 for group in groups)
