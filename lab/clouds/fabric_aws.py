"""AWS's records as routers: route tables per subnet, security groups, network load balancers, SNAT of EKS clusters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lab.clouds import security_groups
from lab.clouds.aws_routes import ROUTE_TABLE, destinations
from lab.clouds.fabric import (
    Balancer,
    Filter,
    Machine,
    Router,
    Rule,
    Site,
    Snat,
    Table,
    filtered,
    present,
    unique,
    words,
)
from lab.clouds.security_groups import Member
from lab.clouds.store import Record, State

if TYPE_CHECKING:
    from lab.clouds.fabric_vpn import Link

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ADDON = "aws:eks/addon:Addon"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
ATTACHMENT = "aws:autoscaling/attachment:Attachment"

TRANSPORTS = {"TCP": ("tcp",), "UDP": ("udp",), "TCP_UDP": ("tcp", "udp")}


def routers(aws: State, sites: Sequence[Site], links: Sequence[Link]) -> dict[str, Router]:
    """A router for each cluster that has a record and a VPC."""
    made: dict[str, Router] = {}
    for site in sites:
        cluster = next((record for record in present(aws, CLUSTER) if _name(record) == site.key), None)
        vpc = _vpc_of(aws, cluster) if cluster else None
        if cluster is not None and vpc is not None:
            made[site.key] = _router(aws, site, cluster, vpc, links)
    return made


def _router(aws: State, site: Site, cluster: Record, vpc: Record, links: Sequence[Link]) -> Router:
    subnets = [record for record in present(aws, SUBNET) if record["vpcId"] == vpc.id]
    balancers = [
        record for record in present(aws, LOAD_BALANCER) if _subnet_ids(record) & {each.id for each in subnets}
    ]
    members = [
        *(
            Member(_groups(aws, site, cluster, each), sources=(f"{each.address}/32", each.pods))
            for each in site.machines
        ),
        *(Member(words(each["securityGroups"]), through=tuple(_zonal(aws, each))) for each in balancers),
    ]
    made = [one for record in balancers for one in _balancers(aws, site, cluster, record, members)]
    return Router(
        key=site.key,
        ranges=(vpc["cidrBlock"],),
        tables=tuple(_tables(aws, vpc, subnets, links)),
        filters=tuple(_filters(aws, site, cluster, members, "ingress")),
        egress=tuple(_filters(aws, site, cluster, members, "egress")),
        balancers=tuple(sorted(made, key=lambda one: (one.address, one.protocol, one.port))),
        balancer_ranges=unique(
            each["cidrBlock"] for each in subnets if any(each.id in _subnet_ids(record) for record in balancers)
        ),
        snats=tuple(_snats(aws, site, cluster, vpc)),
    )


def _tables(aws: State, vpc: Record, subnets: list[Record], links: Sequence[Link]) -> Iterator[Table]:
    """The table of each subnet: its own, or its VPC's main one."""
    by_table: dict[str, list[Record]] = {}
    for subnet in subnets:
        by_table.setdefault(_table_of(aws, subnet), []).append(subnet)
    for table, its in by_table.items():
        sources = tuple(each["cidrBlock"] for each in its)
        remote, refused = destinations(aws, vpc, table, its, links)
        yield Table(table, sources, remote, refused)


def _table_of(aws: State, subnet: Record) -> str:
    """The id of a subnet's route table: the VPC's main one where it is associated with none that is there."""
    tables = {record.id for record in present(aws, ROUTE_TABLE)}
    for record in present(aws, "aws:ec2/routeTableAssociation:RouteTableAssociation"):
        if record["subnetId"] == subnet.id and record["routeTableId"] in tables:
            return record["routeTableId"]
    vpc = aws.get(VPC, subnet["vpcId"])
    return (vpc["mainRouteTableId"] if vpc else None) or f"{subnet['vpcId']}-main"


def _filters(aws: State, site: Site, cluster: Record, members: list[Member], direction: str) -> Iterator[Filter]:
    """One filter for the machines with the same security groups."""
    by_groups: dict[tuple[str, ...], list[Machine]] = {}
    for machine in site.machines:
        by_groups.setdefault(_groups(aws, site, cluster, machine), []).append(machine)
    for groups, machines in by_groups.items():
        yield filtered(machines, security_groups.rules(aws, groups, direction, members))


def _groups(aws: State, site: Site, cluster: Record, machine: Machine) -> tuple[str, ...]:
    """A machine's security groups: its launch template's where that names some, else the cluster's own."""
    for group in present(aws, NODE_GROUP):
        if group["clusterName"] == site.key and _group_name(group) == machine.pool:
            return _template_groups(aws, group["launchTemplate"]) or _cluster_group(cluster)
    return machine.tags or _cluster_group(cluster)


def _template_groups(aws: State, reference: Any) -> tuple[str, ...]:
    for template in present(aws, LAUNCH_TEMPLATE) if reference else ():
        if reference.get("id") == template.id or reference.get("name") == template["name"]:
            inner = [each for one in template["networkInterfaces"] or () for each in one.get("securityGroups") or ()]
            return words(template["vpcSecurityGroupIds"]) or words(inner)
    return ()


def _cluster_group(cluster: Record) -> tuple[str, ...]:
    group = (cluster["vpcConfig"] or {}).get("clusterSecurityGroupId")
    return (group,) if group else ()


def _balancers(aws: State, site: Site, cluster: Record, record: Record, members: list[Member]) -> Iterator[Balancer]:
    """What a network load balancer's listeners make of each of its addresses."""
    groups = words(record["securityGroups"])
    for listener in present(aws, LISTENER):
        if listener["loadBalancerArn"] != record["arn"]:
            continue
        target = next((each for each in present(aws, TARGET_GROUP) if each["arn"] in _forwards(listener)), None)
        if target is None:
            continue
        machines = _registered(aws, site, target)
        for address, (subnet, zone) in _zonal(aws, record).items():
            near = machines if _crosses_zones(record, target) else [each for each in machines if each.zone == zone]
            for protocol in TRANSPORTS.get(str(listener["protocol"]), ()):
                if protocol not in TRANSPORTS.get(str(target["protocol"]), ()):
                    continue
                admits = sends = None
                if groups:
                    asked = (protocol, str(listener["port"]))
                    admits = _on_port(security_groups.rules(aws, groups, "ingress", members), *asked)
                    sent = (protocol, str(target["port"]))
                    sends = _on_port(security_groups.rules(aws, groups, "egress", members), *sent)
                yield Balancer(
                    address=address,
                    protocol=protocol,
                    port=int(listener["port"]),
                    targets=tuple(each.address for each in near),
                    target_port=int(target["port"]),
                    table=_table_of(aws, subnet),
                    keeps_source=_keeps_source(target),
                    admits=admits,
                    sends=sends,
                )


def _on_port(rules: tuple[Rule, ...], protocol: str, port: str) -> tuple[Rule, ...]:
    """Of some rules those that hold for one port, without it: the balancer they are for has no other."""

    def holds(rule: Rule) -> bool:
        ranges = [each.partition("-") for each in rule.ports]
        right = any(int(low) <= int(port) <= int(high or low) for low, _, high in ranges)
        return rule.protocol in ("", protocol) and (right or not ranges)

    return tuple(Rule(rule.accept, rule.sources, rule.destinations) for rule in rules if holds(rule))


def _forwards(listener: Record) -> set[str]:
    """ARNs of the target groups that a listener sends to."""
    found: set[str] = set()
    for action in listener["defaultActions"] or ():
        weighted = (action.get("forward") or {}).get("targetGroups") or ()
        found |= {each["arn"] for each in weighted} | {action.get("targetGroupArn")}
    return found - {None, ""}


def _registered(aws: State, site: Site, target: Record) -> list[Machine]:
    """A site's machines in a target group: those of node groups whose scaling group is attached to it.

    Those that are off fail their health checks; where all do, a balancer tries all.
    """
    attached = {
        record["autoscalingGroupName"]
        for record in present(aws, ATTACHMENT)
        if record["lbTargetGroupArn"] == target["arn"]
    }
    pools = {
        _group_name(group)
        for group in present(aws, NODE_GROUP)
        if group["clusterName"] == site.key
        for resource in group["resources"] or ()
        for scaling in resource.get("autoscalingGroups") or ()
        if scaling.get("name") in attached
    }
    machines = [machine for machine in site.machines if machine.pool in pools]
    return [machine for machine in machines if machine.is_on] or machines


def _crosses_zones(record: Record, target: Record) -> bool:
    own = str(target["loadBalancingCrossZoneEnabled"] or "use_load_balancer_configuration").lower()
    return own == "true" or (own != "false" and record["enableCrossZoneLoadBalancing"] is True)


def _keeps_source(target: Record) -> bool:
    """Targets that are instances see the client's address unless told otherwise; with UDP always."""
    if "UDP" in str(target["protocol"]):
        return True
    return str(target["preserveClientIp"]).lower() != "false" and target["targetType"] in (None, "instance")


def _zonal(aws: State, record: Record) -> dict[str, tuple[Record, str]]:
    """Each fixed address of a load balancer: its subnet and zone."""
    subnets = {subnet.id: subnet for subnet in present(aws, SUBNET)}
    return {
        mapping["privateIpv4Address"]: (subnets[mapping["subnetId"]], subnets[mapping["subnetId"]]["availabilityZone"])
        for mapping in record["subnetMappings"] or ()
        if mapping.get("privateIpv4Address") and mapping.get("subnetId") in subnets
    }


def _subnet_ids(record: Record) -> set[str]:
    return {*words(record["subnets"]), *(each.get("subnetId") for each in record["subnetMappings"] or ())}


def _snats(aws: State, site: Site, cluster: Record, vpc: Record) -> Iterator[Snat]:
    """The VPC CNI's own translation, unless its add-on was told that it happens elsewhere (EXTERNALSNAT)."""
    cni = next(
        (each for each in present(aws, ADDON) if each["clusterName"] == site.key and each["addonName"] == "vpc-cni"),
        None,
    )
    values = json.loads((cni["configurationValues"] if cni else None) or "{}")
    environment = values.get("env") or {}
    if str(environment.get("AWS_VPC_K8S_CNI_EXTERNALSNAT", "false")).lower() == "true":
        return
    kept = [each.strip() for each in str(environment.get("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS") or "").split(",")]
    for machine in site.machines:
        yield Snat(machine.pods, machine.address, (vpc["cidrBlock"], *(each for each in kept if each)))


def _vpc_of(aws: State, cluster: Record) -> Record | None:
    """The VPC of a cluster's subnets."""
    config = cluster["vpcConfig"] or {}
    ids = {each["vpcId"] for each in present(aws, SUBNET) if each.id in words(config.get("subnetIds"))}
    return next((record for record in present(aws, VPC) if record.id in ids or record.id == config.get("vpcId")), None)


def _name(record: Record) -> str:
    return str(record["name"] or record.id)


def _group_name(record: Record) -> str:
    return str(record["nodeGroupName"] or record.id.rpartition(":")[2])
