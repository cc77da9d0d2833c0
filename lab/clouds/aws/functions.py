"""What programs ask AWS without making anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.clouds.aws.eks import creator
from lab.clouds.aws.names import DEFAULT_REGION, region_of, zone_id, zones_of
from lab.clouds.kinds import Cloud, invoke


@invoke("aws:index/getCallerIdentity:getCallerIdentity")
def caller_identity(cloud: Cloud, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": cloud.account, "accountId": cloud.account, "arn": creator(cloud), "userId": "AIDALAB"}


@invoke("aws:index/getRegion:getRegion")
def current_region(cloud: Cloud, arguments: Mapping[str, Any]) -> dict[str, Any]:
    region = arguments.get("region") or arguments.get("name") or cloud.region or DEFAULT_REGION
    endpoint = f"ec2.{region}.amazonaws.com"
    return {"id": region, "region": region, "name": region, "endpoint": endpoint, "description": region}


@invoke("aws:index/getPartition:getPartition")
def partition(cloud: Cloud, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


@invoke("aws:index/getAvailabilityZones:getAvailabilityZones")
def availability_zones(cloud: Cloud, arguments: Mapping[str, Any]) -> dict[str, Any]:
    region = region_of(cloud, arguments)
    names = list(zones_of(region))
    return {
        **arguments,
        "id": region,
        "region": region,
        "names": names,
        "zoneIds": [zone_id(name) for name in names],
        "groupNames": [f"{region}-zg-1"],
    }
