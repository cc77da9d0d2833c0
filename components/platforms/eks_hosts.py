"""The hosts of an EKS cluster: a managed node group per zone, so that each zone has the hosts that the plan says."""

import re
from collections.abc import Mapping, Sequence

import pulumi
from pulumi_aws import ec2, eks

from ..network.aws.names import zone_label
from .eks_access import HOST_POLICIES, Role, trust

ROOT_GIB = 50
"""Size of a host's own disk: images and logs. The database's data is on volumes of its own."""


def ami_type(instance_type: str) -> str:
    """Which image of Amazon Linux 2023 runs on an instance type: a `g` after the generation means Arm (`m7g.large`)."""
    arm = re.match(r"[a-z]+\d+g", instance_type)
    return "AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD"


def autoscaling_group(resources: Sequence[eks.outputs.NodeGroupResource]) -> str:
    """Name of the Auto Scaling group that EKS made for a node group. Raises ValueError where it made none."""
    for made in resources:
        for group in made.autoscaling_groups or []:
            if group.name:
                return group.name
    raise ValueError("the node group has no Auto Scaling group, whose hosts load balancers would send to")


def hosts_by_zone(
    name: str,
    location: str,
    cluster: eks.Cluster,
    zones: Mapping[str, tuple[pulumi.Input[str], int]],
    *,
    instance_type: str,
    version: str | None,
    waits_for: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> dict[str, eks.NodeGroup]:
    """Zone's label -> its hosts. `zones`: name -> subnet and number of hosts; a zone without any has no group.

    Updates take one host at a time; a host that fails is replaced, and its pod's volume goes to the next one.
    """
    own = pulumi.ResourceOptions(parent=parent)
    role = Role(f"{name}-hosts", location, trust("ec2.amazonaws.com"), HOST_POLICIES, own)
    template = _launch_template(name, location, instance_type, own)
    return {
        zone_label(location, zone): eks.NodeGroup(
            f"{name}-{zone_label(location, zone)}",
            region=location,
            cluster_name=cluster.name,
            version=version,
            node_role_arn=role.arn,
            subnet_ids=[subnet],
            ami_type=ami_type(instance_type),
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config={"desired_size": hosts, "min_size": hosts, "max_size": hosts},
            update_config={"max_unavailable": 1},
            node_repair_config={"enabled": True},
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[*role.granted, *waits_for]),
        )
        for zone, (subnet, hosts) in zones.items()
        if hosts > 0
    }


def _launch_template(name: str, location: str, instance_type: str, own: pulumi.ResourceOptions) -> ec2.LaunchTemplate:
    """What every host is like: an encrypted disk, and metadata (the host's role with it) out of pods' reach, by tokens
    that are required and go one hop far. Its type too, and not the node group's: so another one comes by draining host
    after host, where EKS would make the group anew."""
    return ec2.LaunchTemplate(
        f"{name}-hosts",
        region=location,
        update_default_version=True,
        instance_type=instance_type,
        block_device_mappings=[
            {
                "device_name": "/dev/xvda",
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": ROOT_GIB,
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
        tag_specifications=[
            {"resource_type": "instance", "tags": {"Name": f"{name}-host"}},
            {"resource_type": "volume", "tags": {"Name": f"{name}-host"}},
        ],
        opts=own,
    )
