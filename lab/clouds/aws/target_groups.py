"""Target groups, the listeners that send to them, and the Auto Scaling groups whose machines are in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.load_balancing import elb, name_problem
from lab.clouds.aws.lookup import common, the
from lab.clouds.aws.names import arn, refusal, region_of
from lab.clouds.kinds import Cloud, Kind, Times, register
from lab.clouds.store import Record

TAKES: Mapping[str, tuple[str, ...]] = {
    "TCP": ("TCP", "TCP_UDP"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
}
"""Listeners' protocols, and those of the target groups that they may send to."""

CHECKS = ("TCP", "HTTP", "HTTPS")
"""How a network load balancer asks whether a target is healthy."""

LISTENERS = 50
"""Quota per network load balancer."""


@register
class TargetGroup(Kind):
    """Where load balancers send to: a port of instances."""

    token = tokens.TARGET_GROUP
    times = Times(create=1, update=1, delete=1)
    auto_name = "name"
    auto_name_length = 32
    replaces = frozenset(
        {"ipAddressType", "name", "namePrefix", "port", "protocol", "protocolVersion", "region", "targetType", "vpcId"}
    )
    computed = ("arn", "arnSuffix", "loadBalancerArns")
    defaults: ClassVar[Mapping[str, Any]] = {"targetType": "instance"}

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from name_problem(inputs)
        for name in ("port", "protocol", "vpcId"):
            if inputs.get(name) is None:
                yield name, f"{name} should be set when target type is {inputs['targetType']}"
        protocol = inputs.get("protocol")
        if isinstance(protocol, str) and protocol not in TAKES:
            yield "protocol", f"the lab's cloud has no model of target groups with protocol {protocol}"
        if isinstance(inputs["targetType"], str) and inputs["targetType"] != "instance":
            yield "targetType", f"the lab's cloud has no model of targets of type {inputs['targetType']}"
        check = inputs.get("healthCheck")
        how = check.get("protocol") if isinstance(check, Mapping) else None
        if isinstance(how, str) and how not in CHECKS:
            yield "healthCheck.protocol", f"Health check protocol {how} must be one of [HTTP, HTTPS, TCP]"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, region, name = "CreateTargetGroup", region_of(cloud, inputs), inputs["name"]
        the(cloud, action, tokens.VPC, inputs["vpcId"], region)
        others = cloud.state.find(self.token, region=region)
        if any(other["name"] == name for other in others):
            message = f"A target group with the same name '{name}' exists, but with different settings"
            raise elb(action, "DuplicateTargetGroupName", message)
        if quotas.full("aws.target-groups-per-region", len(others)):
            message = "The limit on the number of target groups has been reached"
            raise elb(action, "TooManyTargetGroups", message)
        suffix = f"targetgroup/{name}/{cloud.random(16)}"
        place = arn(cloud, "elasticloadbalancing", region, suffix)
        outputs = common(cloud, inputs, region, arn=place, arnSuffix=suffix, loadBalancerArns=[])
        return place, {**outputs, **preserved(inputs)}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"tagsAll": dict(inputs.get("tags") or {}), **preserved(inputs)}

    def delete(self, cloud: Cloud, record: Record) -> None:
        if any(record.id in forwards(listener.outputs) for listener in cloud.state.all(tokens.LISTENER)):
            message = f"Target group '{record.id}' is currently in use by a listener or a rule"
            raise elb("DeleteTargetGroup", "ResourceInUse", message)


def preserved(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Instances see the client's own address unless told otherwise; over UDP always."""
    return {"preserveClientIp": str(inputs.get("preserveClientIp") or "true").lower()}


def forwards(listener: Mapping[str, Any]) -> list[str]:
    """ARNs of the target groups that a listener sends to."""
    found: list[str] = []
    for action in listener.get("defaultActions") or ():
        if action.get("targetGroupArn"):
            found.append(action["targetGroupArn"])
        found += [each["arn"] for each in (action.get("forward") or {}).get("targetGroups") or ()]
    return found


@register
class Listener(Kind):
    """A port of a load balancer. One port has one listener, whatever the protocols: TCP_UDP takes both."""

    token = tokens.LISTENER
    times = Times(create=1, update=1, delete=1)
    replaces = frozenset({"loadBalancerArn", "region"})
    computed = ("arn",)

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        protocol = inputs.get("protocol")
        if isinstance(protocol, str) and protocol not in TAKES:
            yield "protocol", f"the lab's cloud has no model of listeners with protocol {protocol}"
        actions = inputs["defaultActions"]
        for index, action in enumerate(actions if isinstance(actions, list) else ()):
            word = action.get("type") if isinstance(action, Mapping) else None
            if isinstance(word, str) and word != "forward":
                yield f"defaultActions[{index}].type", f"network load balancers only forward, they don't {word}"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        balancer = self._refuse(cloud, "CreateListener", inputs)
        id = balancer.id.replace(":loadbalancer/", ":listener/") + f"/{cloud.random(16)}"
        self._tell(cloud, inputs, balancer)
        return id, common(cloud, inputs, region, arn=id)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        balancer = self._refuse(cloud, "ModifyListener", inputs, own=record.id)
        self._forget(cloud, record)
        self._tell(cloud, inputs, balancer)
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def delete(self, cloud: Cloud, record: Record) -> None:
        self._forget(cloud, record)

    def _refuse(self, cloud: Cloud, action: str, inputs: Mapping[str, Any], own: str = "") -> Record:
        id, port, protocol = inputs["loadBalancerArn"], inputs.get("port"), inputs.get("protocol")
        balancer = cloud.state.get(tokens.LOAD_BALANCER, id)
        if balancer is None or balancer["region"] != region_of(cloud, inputs):
            raise elb(action, "LoadBalancerNotFound", f"One or more load balancers not found: {id}")
        if port is None or protocol is None:
            raise elb(action, "ValidationError", "A listener of a network load balancer must have port and protocol")
        others = [each for each in cloud.state.find(self.token, loadBalancerArn=id) if each.id != own]
        if any(other["port"] == port for other in others):
            message = f"A listener already exists on this port for this load balancer '{id}'"
            raise elb(action, "DuplicateListener", message)
        if len(others) >= LISTENERS:
            raise elb(action, "TooManyListeners", f"The maximum number of listeners for '{id}' has been reached")
        for place in forwards(inputs):
            self._refuse_target(cloud, action, balancer, place, protocol)
        return balancer

    def _refuse_target(self, cloud: Cloud, action: str, balancer: Record, place: str, protocol: str) -> None:
        target = cloud.state.get(tokens.TARGET_GROUP, place)
        if target is None:
            raise elb(action, "TargetGroupNotFound", f"One or more target groups not found: {place}")
        if target["vpcId"] != balancer["vpcId"]:
            message = f"The following target groups are not in the VPC of the load balancer: {place}"
            raise elb(action, "InvalidConfigurationRequest", message)
        if target["protocol"] not in TAKES[protocol]:
            message = f"Listener protocol '{protocol}' and target group protocol '{target['protocol']}' do not match"
            raise elb(action, "IncompatibleProtocols", message)
        if any(each != balancer.id for each in target["loadBalancerArns"]):
            message = f"The following target groups cannot be associated with more than one load balancer: {place}"
            raise elb(action, "TargetGroupAssociationLimit", message)

    def _tell(self, cloud: Cloud, inputs: Mapping[str, Any], balancer: Record) -> None:
        for place in forwards(inputs):
            target = cloud.state.get(tokens.TARGET_GROUP, place)
            if target is not None and balancer.id not in target["loadBalancerArns"]:
                cloud.state.change(target, loadBalancerArns=[*target["loadBalancerArns"], balancer.id])

    def _forget(self, cloud: Cloud, record: Record) -> None:
        others = [each for each in cloud.state.all(self.token) if each.id != record.id]
        for place in forwards(record.outputs):
            target = cloud.state.get(tokens.TARGET_GROUP, place)
            if target is not None:
                left = [each["loadBalancerArn"] for each in others if place in forwards(each.outputs)]
                cloud.state.change(target, loadBalancerArns=sorted(set(left)))


@register
class AutoscalingAttachment(Kind):
    """Every machine of an Auto Scaling group, now and later, is a target."""

    token = tokens.AUTOSCALING_ATTACHMENT
    times = Times(create=2, delete=2)
    replaces = frozenset({"autoscalingGroupName", "elb", "lbTargetGroupArn", "region"})

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        action, name, region = (
            "AttachLoadBalancerTargetGroups",
            inputs["autoscalingGroupName"],
            region_of(cloud, inputs),
        )
        groups = {scaling_group(group): group for group in cloud.state.find(tokens.NODE_GROUP, region=region)}
        if name not in groups:
            message = f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
            raise refusal("Auto Scaling", action, "ValidationError", message)
        target = cloud.state.get(tokens.TARGET_GROUP, inputs.get("lbTargetGroupArn") or "")
        if target is None or target["region"] != region:
            message = "Provided Target Groups may not be valid. Please ensure they exist and try again."
            raise refusal("Auto Scaling", action, "ValidationError", message)
        return f"{name}-{int(cloud.random(20), 16):026d}", {"region": region}


def scaling_group(group: Record) -> str:
    """Name of the Auto Scaling group that EKS made for a node group."""
    return group["resources"][0]["autoscalingGroups"][0]["name"]
