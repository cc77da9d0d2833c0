"""Outputs that real providers compute and the program reads, as the latency-only ones give them. Pure."""

from collections.abc import Mapping
from typing import Any

CERTIFICATE = "bW9kZWxsZWQ="
"""Stands for base64 PEM."""

BY_KIND: dict[str, dict[str, Any]] = {
    "tls:index/privateKey:PrivateKey": {
        "privateKeyPem": "modelled private key",
        "privateKeyPemPkcs8": "modelled private key",
        "privateKeyOpenssh": "modelled private key",
        "publicKeyPem": "modelled public key",
        "publicKeyOpenssh": "modelled public key",
    },
    "tls:index/selfSignedCert:SelfSignedCert": {"certPem": "modelled certificate"},
    "tls:index/certRequest:CertRequest": {"certRequestPem": "modelled request"},
    "tls:index/locallySignedCert:LocallySignedCert": {"certPem": "modelled certificate"},
    "gcp:container/cluster:Cluster": {
        "endpoint": "203.0.113.1",
        "masterAuth": {"clusterCaCertificate": CERTIFICATE},
    },
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://modelled.eks.amazonaws.com",
        "certificateAuthority": {"data": CERTIFICATE},
    },
    "gcp:compute/haVpnGateway:HaVpnGateway": {
        "vpnInterfaces": [{"id": number, "ipAddress": f"203.0.113.{2 + number}"} for number in (0, 1)],
    },
    "aws:ec2/vpnConnection:VpnConnection": {
        f"tunnel{tunnel}{key}": value
        for tunnel in (1, 2)
        for key, value in {
            "PresharedKey": "modelled key",
            "Address": f"203.0.113.{10 + tunnel}",
            "BgpAsn": "64600",
            "CgwInsideAddress": f"169.254.{tunnel}.2",
            "VgwInsideAddress": f"169.254.{tunnel}.1",
        }.items()
    },
}


def outputs(kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the cloud would add to `inputs` of the resource with that logical name; `inputs` are plain JSON."""
    found = dict(BY_KIND.get(kind, {}))
    package = kind.partition(":")[0]
    if kind == "kubernetes:core/v1:Service" and "loadBalancerIP" in inputs["spec"]:
        found["status"] = {"loadBalancer": {"ingress": [{"ip": inputs["spec"]["loadBalancerIP"]}]}}
    if package in ("gcp", "aws"):
        found.setdefault("name", inputs.get("name", name))
    if package == "gcp":
        found |= {"selfLink": f"https://www.googleapis.com/compute/v1/projects/bench/{name}", "email": f"{name}@bench"}
    if package == "aws":
        found["arn"] = f"arn:aws:modelled:::{name}"
    if kind == "aws:eks/cluster:Cluster":
        found["vpcConfig"] = {**inputs.get("vpcConfig", {}), "clusterSecurityGroupId": f"sg-{name}", "vpcId": "vpc"}
    if kind == "aws:eks/nodeGroup:NodeGroup":
        found["resources"] = [{"autoscalingGroups": [{"name": f"eks-{name}"}]}]
    return found
