"""EKS clusters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.eks_rules import (
    DEFAULT_VERSION,
    access_config,
    default_services,
    eks,
    refuse_encryption,
    refuse_endpoints,
    refuse_services,
    refuse_version,
    vpc_config,
)
from lab.clouds.aws.iam import find_role, trusts
from lab.clouds.aws.lookup import common
from lab.clouds.aws.names import arn, identifier, moment, region_of
from lab.clouds.aws.rules import make_rule
from lab.clouds.aws.vpc import drop_group
from lab.clouds.kinds import Cloud, Kind, Refused, Times, at, register
from lab.clouds.store import Record
from lab.clouds.substrate_api import ClusterSpec

SERVICE = "eks.amazonaws.com"

LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")

LOCKED_ZONES = frozenset({"use1-az3"})
"""Ids of zones with no room for control planes; their names differ between accounts."""

ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def creator(cloud: Cloud) -> str:
    """The principal that the lab's credentials, and its clusters' bearer token, stand for."""
    return f"arn:aws:iam::{cloud.account}:user/lab"


@register
class Cluster(Kind):
    """A control plane. EKS makes a security group for it and its nodes, and access for who made it."""

    token = tokens.CLUSTER
    times = Times(create=570, update=60, delete=180)
    auto_name = "name"
    auto_name_length = 100
    replaces = frozenset(
        {
            "accessConfig.bootstrapClusterCreatorAdminPermissions",
            "bootstrapSelfManagedAddons",
            "encryptionConfig.provider.keyArn",
            "kubernetesNetworkConfig.ipFamily",
            "kubernetesNetworkConfig.serviceIpv4Cidr",
            "name",
            "region",
            "roleArn",
        }
    )
    computed = (
        "arn",
        "certificateAuthority",
        "clusterId",
        "createdAt",
        "endpoint",
        "identities",
        "platformVersion",
        "status",
        "version",
        "vpcConfig.clusterSecurityGroupId",
        "vpcConfig.vpcId",
    )
    defaults: ClassVar[Mapping[str, Any]] = {"bootstrapSelfManagedAddons": True}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        name = inputs.get("name")
        if isinstance(name, str) and not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", name):
            yield "name", f'"{name}" must start with a letter or digit, then letters, digits, hyphens, underscores'
        logs = inputs.get("enabledClusterLogTypes")
        for index, word in enumerate(logs if isinstance(logs, list) else ()):
            if isinstance(word, str) and word not in LOGS:
                yield f"enabledClusterLogTypes[{index}]", f"expected one of {' '.join(LOGS)}, got {word}"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, name, region = "CreateCluster", inputs["name"], region_of(cloud, inputs)
        if cloud.state.get(self.token, name) is not None:
            raise eks(action, "ResourceInUseException", f"Cluster already exists with name: {name}")
        if quotas.full("aws.eks-clusters-per-region", len(cloud.state.find(self.token, region=region))):
            raise eks(action, "ResourceLimitExceededException", "Too many clusters")
        if not trusts(find_role(cloud.state, inputs["roleArn"]), SERVICE):
            message = (
                f"Role with arn: {inputs['roleArn']}, could not be assumed because it does not exist or the trusted "
                "entity is not correct"
            )
            raise eks(action, "InvalidParameterException", message)
        vpc = self._vpc(cloud, action, inputs, region)
        services = at(inputs, "kubernetesNetworkConfig.serviceIpv4Cidr") or default_services(vpc)
        refuse_services(action, services, vpc)
        refuse_endpoints(action, inputs)
        refuse_encryption(cloud, action, inputs, region)
        version = inputs.get("version") or DEFAULT_VERSION
        refuse_version(action, None, version)
        group = make_cluster_group(cloud, name, vpc)
        if at(inputs, "accessConfig.bootstrapClusterCreatorAdminPermissions", True):
            make_access(cloud, name, region)
        oidc = f"https://oidc.eks.{region}.amazonaws.com/id/{cloud.random(32).upper()}"
        return name, common(
            cloud,
            inputs,
            region,
            accessConfig=access_config(inputs),
            arn=arn(cloud, "eks", region, f"cluster/{name}"),
            createdAt=moment(),
            identities=[{"oidcs": [{"issuer": oidc}]}],
            kubernetesNetworkConfig={
                "ipFamily": "ipv4",
                **inputs.get("kubernetesNetworkConfig", {}),
                "serviceIpv4Cidr": services,
            },
            platformVersion="eks.1",
            status="CREATING",
            version=version,
            vpcConfig={**vpc_config(inputs), "clusterSecurityGroupId": group, "vpcId": vpc.id},
        )

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        access = cloud.substrate.start_cluster(spec(cloud, record))
        if record["bootstrapSelfManagedAddons"] and record["status"] == "CREATING":
            cloud.substrate.set_dns(record.id, "coredns", None)
        return {
            "certificateAuthority": {"data": access.ca_certificate},
            "endpoint": f"https://{access.endpoint}",
            "status": "ACTIVE",
        }

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        action, region = "UpdateClusterConfig", record["region"]
        if record["encryptionConfig"] and not inputs.get("encryptionConfig"):
            message = "Encryption config cannot be removed from a cluster"
            raise eks(action, "InvalidParameterException", message)
        vpc = self._vpc(cloud, action, inputs, region)
        if vpc.id != record["vpcConfig"]["vpcId"]:
            message = "Subnets specified must belong to the VPC of the cluster"
            raise eks(action, "InvalidParameterException", message)
        refuse_endpoints(action, inputs)
        refuse_encryption(cloud, action, inputs, region)
        version = inputs.get("version") or record["version"]
        refuse_version("UpdateClusterVersion", record["version"], version)
        kept = {key: record["vpcConfig"][key] for key in ("clusterSecurityGroupId", "vpcId")}
        return {
            "accessConfig": access_config(inputs),
            "kubernetesNetworkConfig": record["kubernetesNetworkConfig"],
            "tagsAll": dict(inputs.get("tags") or {}),
            "version": version,
            "vpcConfig": {**vpc_config(inputs), **kept},
        }

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record["deletionProtection"]:
            message = (
                f"Cluster {record.id} cannot be deleted because deletion protection is enabled. Disable deletion "
                "protection and retry."
            )
            raise eks("DeleteCluster", "InvalidRequestException", message)
        if cloud.state.find(tokens.NODE_GROUP, clusterName=record.id):
            raise eks("DeleteCluster", "ResourceInUseException", "Cluster has nodegroups attached")
        for token in (tokens.ACCESS_ENTRY, tokens.ACCESS_POLICY):
            for entry in cloud.state.find(token, clusterName=record.id):
                if not entry.name:
                    cloud.state.remove(entry)
        group = record["vpcConfig"]["clusterSecurityGroupId"]
        rules = [*cloud.state.all(tokens.INGRESS_RULE), *cloud.state.all(tokens.EGRESS_RULE)]
        if not any(rule["referencedSecurityGroupId"] == group != rule["securityGroupId"] for rule in rules):
            drop_group(cloud, group)

    def unsettle(self, cloud: Cloud, record: Record) -> None:
        cloud.substrate.stop_cluster(record.id)

    def _vpc(self, cloud: Cloud, action: str, inputs: Mapping[str, Any], region: str) -> Record:
        """The VPC of the cluster's subnets. Raises Refused where they are not what EKS wants."""
        name, ids = inputs["name"], inputs["vpcConfig"]["subnetIds"]
        subnets = [cloud.state.get(tokens.SUBNET, id) for id in ids]
        found = [subnet for subnet in subnets if subnet is not None and subnet["region"] == region]
        if len(found) < len(ids):
            gone = ids[next(index for index, each in enumerate(subnets) if each is None or each not in found)]
            message = f"The subnet ID '{gone}' does not exist"
            raise eks(action, "InvalidParameterException", message)
        if len({subnet["vpcId"] for subnet in found}) != 1:
            message = "Subnets specified must belong to the same VPC"
            raise eks(action, "InvalidParameterException", message)
        zones = {subnet["availabilityZoneId"]: subnet["availabilityZone"] for subnet in found}
        if len(zones) < 2:
            message = "Subnets specified must be in at least two different AZs"
            raise eks(action, "InvalidParameterException", message)
        for zone in sorted(zones.keys() & LOCKED_ZONES):
            message = (
                f"Cannot create cluster '{name}' because {zones[zone]}, the targeted availability zone, does not "
                "currently have sufficient capacity to support the cluster."
            )
            raise eks(action, "UnsupportedAvailabilityZoneException", message)
        for id in inputs["vpcConfig"].get("securityGroupIds") or ():
            group = cloud.state.get(tokens.SECURITY_GROUP, id)
            if group is None or group["vpcId"] != found[0]["vpcId"]:
                message = f"The security group ID '{id}' does not exist"
                raise eks(action, "InvalidParameterException", message)
        vpc = cloud.state.get(tokens.VPC, found[0]["vpcId"])
        if vpc is None:
            raise eks(action, "InvalidParameterException", f"The vpc ID '{found[0]['vpcId']}' does not exist")
        return vpc


def make_cluster_group(cloud: Cloud, name: str, vpc: Record) -> str:
    """The security group of a cluster's control plane and nodes: all to each other, and out to anywhere."""
    region, id = vpc["region"], identifier(cloud, "sg")
    outputs = {
        "arn": arn(cloud, "ec2", region, f"security-group/{id}"),
        "description": (
            "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as "
            "any managed workloads."
        ),
        "name": f"eks-cluster-sg-{name}-{int(cloud.random(8), 16)}",
        "ownerId": cloud.account,
        "region": region,
        "tagsAll": {f"kubernetes.io/cluster/{name}": "owned", "aws:eks:cluster-name": name},
        "vpcId": vpc.id,
    }
    cloud.state.put(Record(tokens.SECURITY_GROUP, id, "", {}, outputs))
    make_rule(cloud, tokens.INGRESS_RULE, id, {"ipProtocol": "-1", "referencedSecurityGroupId": id}, region)
    make_rule(cloud, tokens.EGRESS_RULE, id, {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}, region)
    return id


def make_access(cloud: Cloud, cluster: str, region: str) -> None:
    """Who makes a cluster administers it."""
    who = creator(cloud)
    shared = {"clusterName": cluster, "principalArn": who, "region": region}
    entry = {**shared, "type": "STANDARD", "userName": who, "kubernetesGroups": [], "createdAt": moment()}
    cloud.state.put(Record(tokens.ACCESS_ENTRY, f"{cluster}:{who}", "", {}, entry))
    policy = {**shared, "policyArn": ADMIN_POLICY, "accessScope": {"type": "cluster"}, "associatedAt": moment()}
    cloud.state.put(Record(tokens.ACCESS_POLICY, f"{cluster}#{who}#{ADMIN_POLICY}", "", {}, policy))


def spec(cloud: Cloud, record: Record) -> ClusterSpec:
    """What the lab is to run for a cluster."""
    config = record["vpcConfig"]
    vpc = cloud.state.get(tokens.VPC, config["vpcId"])
    subnets = [cloud.state.get(tokens.SUBNET, id) for id in config["subnetIds"]]
    if vpc is None or None in subnets:
        raise Refused(f"{record.id}: its network is gone")
    found = [subnet for subnet in subnets if subnet is not None]
    return ClusterSpec(
        key=record.id,
        platform="eks",
        location=record["region"],
        version=record["version"],
        service_cidr=record["kubernetesNetworkConfig"]["serviceIpv4Cidr"],
        pod_cidr=vpc["cidrBlock"],
        node_cidr=vpc["cidrBlock"],
        control_cidr=None,
        subnets=tuple(subnet["cidrBlock"] for subnet in found),
        zones=tuple(sorted({subnet["availabilityZone"] for subnet in found})),
        network=vpc.id,
        public=bool(config["endpointPublicAccess"]),
        authorized_cidrs=tuple(config["publicAccessCidrs"]) if config["endpointPublicAccess"] else (),
        tags=dict(record["tagsAll"] or {}),
    )
