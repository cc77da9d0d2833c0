"""EKS's managed node groups, and the launch templates that say what their machines are like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.eks_rules import eks, refuse_version, the_cluster
from lab.clouds.aws.iam import MANAGED, attached, find_role, trusts
from lab.clouds.aws.lookup import common, the
from lab.clouds.aws.names import arn, ec2, identifier, moment, region_of
from lab.clouds.aws.routes import reaches_internet
from lab.clouds.kinds import Cloud, Kind, Refused, Times, at, register
from lab.clouds.store import Record
from lab.clouds.substrate_api import HostSpec

EC2 = "ec2.amazonaws.com"

JOIN = ("AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy")
PULL = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEC2ContainerRegistryReadOnly")
"""What a machine's role needs: one of each."""

CNI = "AmazonEKS_CNI_Policy"
"""What the network add-on needs, of the machine or by a role of its own."""


@register
class NodeGroup(Kind):
    """Machines in an Auto Scaling group that EKS makes. They fail where they can't join or have no network."""

    token = tokens.NODE_GROUP
    times = Times(create=135, update=90, delete=180)
    auto_name = "nodeGroupName"
    auto_name_length = 63
    replaces = frozenset(
        {
            "amiType",
            "capacityType",
            "clusterName",
            "diskSize",
            "instanceTypes",
            "launchTemplate.id",
            "launchTemplate.name",
            "nodeGroupName",
            "nodeGroupNamePrefix",
            "nodeRoleArn",
            "region",
            "remoteAccess",
            "subnetIds",
        }
    )
    computed = ("amiType", "arn", "capacityType", "releaseVersion", "resources", "status", "version")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region, name = "CreateNodegroup", region_of(cloud, inputs), inputs["nodeGroupName"]
        cluster = the_cluster(cloud, action, inputs["clusterName"], region)
        id = f"{cluster.id}:{name}"
        if cloud.state.get(self.token, id) is not None:
            message = f"NodeGroup already exists with name {name} and cluster name {cluster.id}"
            raise eks(action, "ResourceInUseException", message)
        if quotas.full("aws.node-groups-per-cluster", len(cloud.state.find(self.token, clusterName=cluster.id))):
            message = "Nodegroup limit exceeded for cluster"
            raise eks(action, "ResourceLimitExceededException", message)
        refuse_sizes(action, inputs["scalingConfig"])
        role = find_role(cloud.state, inputs["nodeRoleArn"])
        if not trusts(role, EC2):
            message = (
                f"Following required service principals [{EC2}] were not found in the trust relationships of nodeRole "
                f"{inputs['nodeRoleArn']}"
            )
            raise eks(action, "InvalidParameterException", message)
        for subnet in inputs["subnetIds"]:
            found = cloud.state.get(tokens.SUBNET, subnet)
            if found is None or found["vpcId"] != cluster["vpcConfig"]["vpcId"]:
                message = f"The subnet ID '{subnet}' does not exist in the VPC of cluster {cluster.id}"
                raise eks(action, "InvalidParameterException", message)
        refuse_template(cloud, action, inputs, region)
        version = inputs.get("version") or cluster["version"]
        refuse_node_version(action, version, cluster)
        digits = uuid4()
        return id, common(
            cloud,
            inputs,
            region,
            amiType=inputs.get("amiType") or "AL2023_x86_64_STANDARD",
            arn=arn(cloud, "eks", region, f"nodegroup/{cluster.id}/{name}/{digits}"),
            capacityType=inputs.get("capacityType") or "ON_DEMAND",
            releaseVersion=inputs.get("releaseVersion") or f"{version}.0-20261101",
            resources=[{"autoscalingGroups": [{"name": f"eks-{name}-{digits}"}], "remoteAccessSecurityGroupId": ""}],
            status="CREATING",
            version=version,
        )

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        if record["status"] == "CREATING" and record["scalingConfig"]["desiredSize"] > 0:
            reason = next(failures(cloud, record), None)
            if reason:
                raise Refused(
                    f"waiting for EKS Node Group ({record.id}) create: unexpected state 'CREATE_FAILED', wanted target "
                    f"'ACTIVE'. last error: {reason}"
                )
        cloud.substrate.set_hosts(record["clusterName"], record["nodeGroupName"], hosts(cloud, record))
        return {"status": "ACTIVE"}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        action = "UpdateNodegroupConfig"
        cluster = the_cluster(cloud, action, inputs["clusterName"], record["region"])
        refuse_sizes(action, inputs["scalingConfig"])
        refuse_template(cloud, action, inputs, record["region"])
        version = inputs.get("version") or record["version"]
        refuse_node_version(action, version, cluster)
        kept = {name: inputs.get(name) or record[name] for name in ("amiType", "capacityType", "releaseVersion")}
        return {**kept, "tagsAll": dict(inputs.get("tags") or {}), "version": version}

    def unsettle(self, cloud: Cloud, record: Record) -> None:
        cloud.substrate.set_hosts(record["clusterName"], record["nodeGroupName"], ())


def refuse_sizes(action: str, sizes: Mapping[str, Any]) -> None:
    least, wanted, most = sizes["minSize"], sizes["desiredSize"], sizes["maxSize"]
    if most < 1:
        raise eks(action, "InvalidParameterException", "maxSize: Minimum value of 1")
    if least > wanted:
        message = f"Minimum capacity {least} can't be greater than desired size {wanted}"
        raise eks(action, "InvalidParameterException", message)
    if wanted > most:
        message = f"desired capacity {wanted} can't be greater than max size {most}"
        raise eks(action, "InvalidParameterException", message)


def refuse_node_version(action: str, version: str, cluster: Record) -> None:
    """Nodes may be older than their control plane, not newer."""
    refuse_version(action, None, version)
    if int(version.split(".")[1]) > int(cluster["version"].split(".")[1]):
        message = f"Requested Nodegroup version {version} is greater than cluster version {cluster['version']}"
        raise eks(action, "InvalidParameterException", message)


def refuse_template(cloud: Cloud, action: str, inputs: Mapping[str, Any], region: str) -> None:
    reference = inputs.get("launchTemplate")
    if not reference:
        return
    template = the(cloud, action, tokens.LAUNCH_TEMPLATE, str(reference.get("id")), region)
    version = str(reference["version"])
    if version not in ("$Latest", "$Default") and not (
        version.isdigit() and 1 <= int(version) <= template["latestVersion"]
    ):
        message = f"Launch template version {version} for launch template {template.id} was not found"
        raise eks(action, "InvalidRequestException", message)
    if inputs.get("diskSize"):
        message = "Disk size must be specified within the launch template."
        raise eks(action, "InvalidParameterException", message)
    if inputs.get("instanceTypes") and template["instanceType"]:
        message = "Cannot specify instance types in launch template and API request"
        raise eks(action, "InvalidParameterException", message)
    if template["iamInstanceProfile"]:
        message = "Launch template should not specify an instance profile. The noderole in your request will be used."
        raise eks(action, "InvalidRequestException", message)


def failures(cloud: Cloud, record: Record) -> Iterator[str]:
    """Why machines are not launched or don't become nodes, in EKS's words."""
    state = cloud.state
    started = state.find(tokens.NODE_GROUP, region=record["region"], status="ACTIVE")
    limit = quotas.limit("aws.vcpus-per-region")
    if sum(vcpus(cloud, group) for group in (*started, record)) > limit:
        yield (
            "AsgInstanceLaunchFailures: Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested "
            f"more vCPU capacity than your current vCPU limit of {limit} allows for the instance bucket that the "
            "specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request "
            "an adjustment to this limit. Launching EC2 instance failed."
        )
    role = find_role(state, record["nodeRoleArn"])
    policies = attached(state, role) if role else set[str]()
    able = all(any(f"{MANAGED}{name}" in policies for name in names) for names in (JOIN, PULL))
    subnets = [state.get(tokens.SUBNET, id) for id in record["subnetIds"]]
    if not able or not all(subnet is not None and reaches_internet(state, subnet) for subnet in subnets):
        yield "NodeCreationFailure: Instances failed to join the kubernetes cluster"
    cluster = state.get(tokens.CLUSTER, record["clusterName"])
    cni = state.get(tokens.ADDON, f"{record['clusterName']}:vpc-cni")
    there = cni is not None or (cluster is not None and cluster["bootstrapSelfManagedAddons"])
    own = cni is not None and (cni["podIdentityAssociations"] or cni["serviceAccountRoleArn"])
    if not there or not (own or f"{MANAGED}{CNI}" in policies):
        yield "NodeCreationFailure: Unhealthy nodes in the kubernetes cluster"


def vcpus(cloud: Cloud, group: Record) -> int:
    """Of all machines of a node group, by their type's size: four in an xlarge, two in what is smaller."""
    size = instance_type(cloud, group).rpartition(".")[2]
    times = size.removesuffix("xlarge")
    each = 2 if times == size else 4 * int(times or 1)
    return each * group["scalingConfig"]["desiredSize"]


def instance_type(cloud: Cloud, group: Record) -> str:
    """What a node group's machines are: as it or its launch template says, else EKS's default."""
    template = launch_template(cloud, group)
    return (group["instanceTypes"] or [(template and template["instanceType"]) or "t3.medium"])[0]


def launch_template(cloud: Cloud, group: Record) -> Record | None:
    return cloud.state.get(tokens.LAUNCH_TEMPLATE, str(at(group.outputs, "launchTemplate.id", "")))


def hosts(cloud: Cloud, record: Record) -> list[HostSpec]:
    """The machines of a node group, in turn over its subnets."""
    subnets = [subnet for id in record["subnetIds"] if (subnet := cloud.state.get(tokens.SUBNET, id)) is not None]
    name, labels = record["nodeGroupName"], dict(record["labels"] or {})
    groups = security_groups(cloud, record)
    made: list[HostSpec] = []
    for index in range(record["scalingConfig"]["desiredSize"]):
        subnet = subnets[index % len(subnets)]
        made.append(
            HostSpec(
                name=f"{name}-{index}",
                zone=subnet["availabilityZone"],
                subnet=subnet["cidrBlock"],
                pods=subnet["cidrBlock"],
                labels={
                    "eks.amazonaws.com/nodegroup": name,
                    "eks.amazonaws.com/capacityType": record["capacityType"],
                    "node.kubernetes.io/instance-type": instance_type(cloud, record),
                    "topology.kubernetes.io/region": record["region"],
                    "topology.kubernetes.io/zone": subnet["availabilityZone"],
                    **labels,
                },
                tags=groups,
            )
        )
    return made


def security_groups(cloud: Cloud, record: Record) -> tuple[str, ...]:
    """A machine's security groups: its launch template's where that names some, else the cluster's own."""
    template = launch_template(cloud, record)
    if template is not None and template["vpcSecurityGroupIds"]:
        return tuple(template["vpcSecurityGroupIds"])
    cluster = cloud.state.get(tokens.CLUSTER, record["clusterName"])
    return (cluster["vpcConfig"]["clusterSecurityGroupId"],) if cluster else ()


@register
class LaunchTemplate(Kind):
    """What machines are like; each change is a new version."""

    token = tokens.LAUNCH_TEMPLATE
    times = Times(create=6, update=6, delete=1)
    auto_name = "name"
    auto_name_length = 128
    replaces = frozenset({"name", "namePrefix", "region"})
    computed = ("arn", "defaultVersion", "latestVersion")
    shapes = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        words = {"httpTokens": ("optional", "required"), "httpEndpoint": ("enabled", "disabled")}
        options = inputs.get("metadataOptions")
        options = options if isinstance(options, Mapping) else {}
        for name, allowed in words.items():
            word = options.get(name)
            if isinstance(word, str) and word not in allowed:
                yield f"metadataOptions.{name}", f"expected one of {' '.join(allowed)}, got {word}"
        hops = options.get("httpPutResponseHopLimit")
        if isinstance(hops, int) and not 1 <= hops <= 64:
            yield "metadataOptions.httpPutResponseHopLimit", f"expected it to be in the range (1 - 64), got {hops}"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region, name = region_of(cloud, inputs), inputs["name"]
        if cloud.state.one(self.token, region=region, name=name) is not None:
            code = "InvalidLaunchTemplateName.AlreadyExistsException"
            raise ec2("CreateLaunchTemplate", code, "Launch template name already in use.")
        self._refuse_groups(cloud, inputs, region)
        id = identifier(cloud, "lt")
        place = arn(cloud, "ec2", region, f"launch-template/{id}")
        return id, common(cloud, inputs, region, arn=place, createdAt=moment(), defaultVersion=1, latestVersion=1)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._refuse_groups(cloud, inputs, record["region"])
        own = ("description", "tags", "updateDefaultVersion", "defaultVersion")
        content = [{key: value for key, value in each.items() if key not in own} for each in (record.inputs, inputs)]
        latest = record["latestVersion"] + (content[0] != content[1])
        default = inputs.get("defaultVersion") or (
            latest if inputs.get("updateDefaultVersion") else record["defaultVersion"]
        )
        return {"defaultVersion": default, "latestVersion": latest, "tagsAll": dict(inputs.get("tags") or {})}

    def _refuse_groups(self, cloud: Cloud, inputs: Mapping[str, Any], region: str) -> None:
        for group in inputs.get("vpcSecurityGroupIds") or ():
            the(cloud, "CreateLaunchTemplate", tokens.SECURITY_GROUP, group, region)
