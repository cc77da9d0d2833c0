"""Models of the AWS resources that the program uses; importing this registers them.

The state is the lab's own and not moto's: moto refuses little of what AWS refuses here, lets everything be ready at
once, speaks AWS's API and not the provider's protocol, and has no data plane that could be shaped.
Records that AWS makes by itself (a VPC's default security group and main route table, a cluster's security group and
its creator's access) have no logical name and go with what they were made for.
"""

from lab.clouds.aws import (
    eks,
    eks_access,
    eks_addons,
    eks_nodes,
    functions,
    gateways,
    iam,
    kms,
    load_balancing,
    peering,
    prefix_lists,
    routes,
    rules,
    security_groups,
    target_groups,
    transit_gateway,
    vpc,
    vpn,
)

__all__ = [
    "eks",
    "eks_access",
    "eks_addons",
    "eks_nodes",
    "functions",
    "gateways",
    "iam",
    "kms",
    "load_balancing",
    "peering",
    "prefix_lists",
    "routes",
    "rules",
    "security_groups",
    "target_groups",
    "transit_gateway",
    "vpc",
    "vpn",
]
