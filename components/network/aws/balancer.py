"""A network load balancer of the program's own: addresses of the plan, in front of a port of every host.

It is built beside the cluster, and no controller in the cluster made it: `destroy` leaves nothing of it behind.
"""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_aws import autoscaling, ec2, lb, vpc

from .names import BALANCER_NAME_LENGTH, cidr_label, short

HEALTH_CHECK_SECONDS = 10
"""Two failed checks take a host out: 20 s, of which clients wait none, for they ask another address meanwhile."""


class BalancerAddressArgs(TypedDict):
    """Where the load balancer answers in one zone."""

    subnet: pulumi.Input[str]
    """Id of a subnet there."""
    address: str
    """IPv4 address in that subnet."""


class BalancerPortArgs(TypedDict):
    """One port."""

    name: str
    """Such as `dns`: part of the resources' names."""
    protocol: str
    """`TCP`, or `TCP_UDP` for both on one port."""
    port: int
    """Where clients come."""
    node_port: int
    """Where each host takes it."""


class BalancerTargetsArgs(TypedDict):
    """The hosts of one zone."""

    name: str
    """The zone's, as part of the resources' names."""
    autoscaling_group: pulumi.Input[str]
    """Name of the Auto Scaling group that they are in."""


class NetworkLoadBalancerArgs(TypedDict):
    """An internal load balancer."""

    location: str
    """The AWS region."""
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    addresses: list[BalancerAddressArgs]
    """One per zone."""
    ports: list[BalancerPortArgs]
    """What it takes."""
    client_cidrs: list[str]
    """Who may come."""
    client_prefix_lists: NotRequired[dict[str, pulumi.Input[str]]]
    """Who else may come: ids of prefix lists, by their label in the rules' names."""
    hosts_security_group: pulumi.Input[str]
    """Id of the hosts' security group, which is opened to the load balancer on the node ports."""
    targets: list[BalancerTargetsArgs]
    """Every host behind it."""


class NetworkLoadBalancer(pulumi.ComponentResource):
    """Fixed private addresses, one per zone, each in front of every host of the region.

    Cross-zone balancing makes each address serve as long as any host does. The hosts' security group lets in the load
    balancer's group, not the clients': who may come is decided in one place. Over TCP a host sees the load balancer's
    address, so that a pod may go through it to its own host, which the client's address does not allow; over UDP the
    client's address stays, as AWS has it. Through a node port, the pod sees its host's address in either case.
    """

    addresses: pulumi.Output[list[str]]
    """Where it answers, once it listens on all ports."""

    def __init__(self, name: str, args: NetworkLoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:NetworkLoadBalancer", name, {}, opts)
        self._name = name
        self._location = args["location"]
        self._serving: list[pulumi.Resource] = []
        self._own = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            name,
            region=self._location,
            vpc_id=args["vpc_id"],
            description=f"Clients of the load balancer {name}",
            tags={"Name": name},
            opts=self._own,
        )
        balancer = lb.LoadBalancer(
            short(name),
            region=self._location,
            load_balancer_type="network",
            internal=True,
            ip_address_type="ipv4",
            subnet_mappings=[
                {"subnet_id": each["subnet"], "private_ipv4_address": each["address"]} for each in args["addresses"]
            ],
            security_groups=[group.id],
            enable_cross_zone_load_balancing=True,
            tags={"Name": name},
            opts=self._own,
        )
        listeners = [self._port(port, args, balancer, group) for port in args["ports"]]
        # Type 3 code 4, fragmentation needed: how a client behind a narrower path says so.
        self._from_clients("path-mtu", "icmp", 3, 4, args, group)
        planned = [each["address"] for each in args["addresses"]]
        self.addresses = pulumi.Output.all(*(listener.port for listener in listeners)).apply(lambda _: planned)
        self.register_outputs({"addresses": self.addresses})

    @property
    def serving(self) -> Sequence[pulumi.Resource]:
        """What an answer takes, beside something that answers: listeners, hosts attached, rules."""
        return self._serving

    def _port(
        self,
        port: BalancerPortArgs,
        args: NetworkLoadBalancerArgs,
        balancer: lb.LoadBalancer,
        group: ec2.SecurityGroup,
    ) -> lb.Listener:
        targets = lb.TargetGroup(
            f"{short(self._name, BALANCER_NAME_LENGTH - 1 - len(port['name']))}-{port['name']}",
            region=self._location,
            vpc_id=args["vpc_id"],
            target_type="instance",
            protocol=port["protocol"],
            port=port["node_port"],
            preserve_client_ip=None if port["protocol"] == "TCP_UDP" else "false",
            health_check={
                "protocol": "TCP",
                "port": "traffic-port",
                "interval": HEALTH_CHECK_SECONDS,
                "healthy_threshold": 2,
                "unhealthy_threshold": 2,
            },
            tags={"Name": f"{self._name}-{port['name']}"},
            opts=self._own,
        )
        listener = lb.Listener(
            f"{self._name}-{port['name']}",
            region=self._location,
            load_balancer_arn=balancer.arn,
            protocol=port["protocol"],
            port=port["port"],
            default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
            opts=self._own,
        )
        self._serving.append(listener)
        for hosts in args["targets"]:
            self._serving.append(
                autoscaling.Attachment(
                    f"{self._name}-{port['name']}-{hosts['name']}",
                    region=self._location,
                    autoscaling_group_name=hosts["autoscaling_group"],
                    lb_target_group_arn=targets.arn,
                    opts=self._own,
                )
            )
        for protocol in port["protocol"].lower().split("_"):
            self._rules(port, protocol, args, group)
        return listener

    def _rules(
        self, port: BalancerPortArgs, protocol: str, args: NetworkLoadBalancerArgs, group: ec2.SecurityGroup
    ) -> None:
        """In by the clients' ranges, out to the hosts' node port, and in there: AWS closes all that is not opened."""
        name = f"{self._name}-{port['name']}-{protocol}"
        self._serving += self._from_clients(
            f"{port['name']}-{protocol}", protocol, port["port"], port["port"], args, group
        )
        self._serving += [
            vpc.SecurityGroupEgressRule(
                f"{name}-to-hosts",
                region=self._location,
                security_group_id=group.id,
                ip_protocol=protocol,
                from_port=port["node_port"],
                to_port=port["node_port"],
                referenced_security_group_id=args["hosts_security_group"],
                opts=self._own,
            ),
            vpc.SecurityGroupIngressRule(
                f"{name}-at-hosts",
                region=self._location,
                security_group_id=args["hosts_security_group"],
                ip_protocol=protocol,
                from_port=port["node_port"],
                to_port=port["node_port"],
                referenced_security_group_id=group.id,
                opts=self._own,
            ),
        ]

    def _from_clients(
        self,
        what: str,
        protocol: str,
        first: int,
        last: int,
        args: NetworkLoadBalancerArgs,
        group: ec2.SecurityGroup,
    ) -> list[pulumi.Resource]:
        """`first` and `last`: ports, or ICMP's type and code."""
        cidrs = {cidr_label(cidr): cidr for cidr in args["client_cidrs"]}
        lists = args.get("client_prefix_lists", {})
        return [
            vpc.SecurityGroupIngressRule(
                f"{self._name}-{what}-from-{label}",
                region=self._location,
                security_group_id=group.id,
                ip_protocol=protocol,
                from_port=first,
                to_port=last,
                cidr_ipv4=cidrs.get(label),
                prefix_list_id=lists.get(label),
                opts=self._own,
            )
            for label in (*cidrs, *lists)
        ]
