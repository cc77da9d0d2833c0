"""How long each kind of resource takes on a real cluster: the model behind the modelled runs. Seconds.

Not measured here: chosen from what the parts are known to take, and named one by one, so that a reader who disagrees
can change a line and run the bench again. What the bench asserts (makespan against critical path) does not hang on
any single one.
"""

import re

DEFAULT = 0.3
"""One API server call and the informers' round, on a managed control plane."""

BY_NAME: tuple[tuple[str, float], ...] = (
    # The Job waits for every node's pod: volume provisioned and attached (gp3, pd-balanced: 10 to 20 s), a 200 MB image
    # pulled (10 to 20 s), DNS forwards reloaded (CoreDNS's reload plugin: up to 30 s + jitter).
    (r"init.*batch/v1:Job|batch/v1:Job.*init", 60.0),
    # A Job's pod start on a host that has the image, and a look at every node's health.
    (r"rollout.*batch/v1:Job|batch/v1:Job.*rollout", 4.0),
    # Pod start; each ADD REGION and SURVIVE is a schema change job of a second or two.
    (r"batch/v1:Job", 12.0),
    # An internal load balancer with a reserved address: GCP about 40 s, an AWS NLB 150 s; the other
    # Services are not awaited.
    (r"DnsLoadBalancer\$kubernetes:core/v1:Service", 40.0),
    (r"core/v1:Service::", 1.0),
    (r"core/v1:Namespace", 0.5),
    # RSA 2048 or ECDSA in the plugin, on this machine.
    (r"tls:index/privateKey", 0.2),
    (r"tls:index/", 0.05),
    # A dynamic provider: a Python process, imports, one read and one write of a ConfigMap.
    (r"pulumi-python:dynamic", 2.0),
    # Google Cloud. Clusters 3.5 to 9 minutes, node pools 1 to 2; the rest are operations of the compute API, which
    # take 10 to 20 s each; switching an API on is slower, and what IAM says takes a few seconds.
    (r"gcp:container/cluster:", 400.0),
    (r"gcp:container/nodePool:", 90.0),
    (r"gcp:projects/service:", 25.0),
    (r"gcp:serviceaccount/|gcp:projects/iAMMember:", 8.0),
    (r"gcp:compute/(network|subnetwork|networkPeering):", 15.0),
    (r"gcp:compute/vPNTunnel:", 20.0),
    (r"gcp:", 11.0),
    # AWS. Control plane 8 to 11 minutes, node group 1.5 to 3, NAT gateway 1.5 to 2, NLB 2.4, coredns add-on 0.2 to 1.
    (r"aws:eks/cluster:", 570.0),
    (r"aws:eks/nodeGroup:", 135.0),
    (r"aws:eks/addon:", 35.0),
    (r"aws:lb/loadBalancer:", 145.0),
    (r"aws:ec2/natGateway:", 105.0),
    # A VPN connection's two tunnels 3 to 5 minutes; a Transit Gateway 1 to 2, each attachment about one.
    (r"aws:ec2/vpnConnection:", 240.0),
    (r"aws:ec2/vpnGateway:", 20.0),
    (r"aws:ec2transitgateway/transitGateway:", 90.0),
    (r"aws:ec2transitgateway/\w*[aA]ttachment", 60.0),
    (r"aws:ec2transitgateway/", 5.0),
    (r"aws:ec2/vpc:", 12.0),
    (r"aws:ec2/(vpcPeeringConnection|vpcPeeringConnectionAccepter):", 5.0),
    (r"aws:kms/", 10.0),
    (r"aws:ec2/managedPrefixList:", 5.0),
    (r"aws:ec2/route:", 2.0),
    (r"aws:", 1.0),
)
"""First match against the URN wins."""


BY_PLATFORM: dict[str, tuple[tuple[str, float], ...]] = {
    # A node port: the load balancer before it is a resource of its own.
    "eks": ((r"core/v1:Service::", DEFAULT),),
}
"""Before `BY_NAME`, where all regions are on that platform."""


def seconds(urn: str, platform: str = "existing") -> float:
    """Modelled duration of creating `urn`; 0 for what the engine itself keeps (components, providers, the stack)."""
    kind = urn.split("::")[2].rsplit("$", 1)[-1]
    if kind.startswith(("pulumi:", "cockroachdb-multiregion:")):
        return 0.0
    table = (*BY_PLATFORM.get(platform, ()), *BY_NAME)
    return next((duration for pattern, duration in table if re.search(pattern, urn, re.IGNORECASE)), DEFAULT)
