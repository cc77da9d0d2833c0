"""The settings that EKS's add-ons take: names and strings of `aws eks describe-addon-configuration`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CNI_ENVIRONMENT = frozenset(
    {
        "ADDITIONAL_ENI_TAGS",
        "ANNOTATE_POD_IP",
        "AWS_EC2_ENDPOINT",
        "AWS_EXTERNAL_SERVICE_CIDRS",
        "AWS_MANAGE_ENIS_NON_SCHEDULABLE",
        "AWS_VPC_CNI_NODE_PORT_SUPPORT",
        "AWS_VPC_ENI_MTU",
        "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG",
        "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS",
        "AWS_VPC_K8S_CNI_EXTERNALSNAT",
        "AWS_VPC_K8S_CNI_LOGLEVEL",
        "AWS_VPC_K8S_CNI_LOG_FILE",
        "AWS_VPC_K8S_CNI_RANDOMIZESNAT",
        "AWS_VPC_K8S_CNI_VETHPREFIX",
        "AWS_VPC_K8S_PLUGIN_LOG_FILE",
        "AWS_VPC_K8S_PLUGIN_LOG_LEVEL",
        "CLUSTER_ENDPOINT",
        "DISABLE_INTROSPECTION",
        "DISABLE_LEAKED_ENI_CLEANUP",
        "DISABLE_METRICS",
        "DISABLE_NETWORK_RESOURCE_PROVISIONING",
        "DISABLE_POD_V6",
        "ENABLE_BANDWIDTH_PLUGIN",
        "ENABLE_POD_ENI",
        "ENABLE_PREFIX_DELEGATION",
        "ENABLE_SUBNET_DISCOVERY",
        "ENABLE_V6_EGRESS",
        "ENI_CONFIG_ANNOTATION_DEF",
        "ENI_CONFIG_LABEL_DEF",
        "INTROSPECTION_BIND_ADDRESS",
        "IP_COOLDOWN_PERIOD",
        "MAX_ENI",
        "MINIMUM_IP_TARGET",
        "NETWORK_POLICY_ENFORCING_MODE",
        "POD_MTU",
        "POD_SECURITY_GROUP_ENFORCING_MODE",
        "WARM_ENI_TARGET",
        "WARM_IP_TARGET",
        "WARM_PREFIX_TARGET",
    }
)
"""Variables of aws-node; all of them are strings, `"true"` and not true."""

COMMON = frozenset({"affinity", "nodeSelector", "podAnnotations", "podLabels", "resources", "tolerations"})

SCHEMAS: Mapping[str, frozenset[str]] = {
    "vpc-cni": COMMON
    | {
        "branchENICooldown",
        "enableNetworkPolicy",
        "enableWindowsIpam",
        "enableWindowsPrefixDelegation",
        "env",
        "eniConfig",
        "init",
        "livenessProbeTimeoutSeconds",
        "minimumWindowsIPTarget",
        "nodeAgent",
        "readinessProbeTimeoutSeconds",
        "warmWindowsIPTarget",
        "warmWindowsPrefixTarget",
    },
    "coredns": COMMON
    | {"autoScaling", "computeType", "corefile", "podDisruptionBudget", "replicaCount", "topologySpreadConstraints"},
    "kube-proxy": COMMON | {"ipvs", "mode"},
    "eks-pod-identity-agent": COMMON | {"agent", "priorityClassName", "updateStrategy"},
    "aws-ebs-csi-driver": frozenset(
        {"additionalDaemonSets", "controller", "defaultStorageClass", "node", "nodeComponentOnly", "sidecars"}
    ),
    "metrics-server": COMMON | {"addonResizer", "args", "podDisruptionBudget", "replicas", "updateStrategy"},
    "eks-node-monitoring-agent": COMMON | {"monitoringAgent", "dcgmAgent"},
}
"""Add-ons and the names at the top of their settings."""

STRINGS: Mapping[str, frozenset[str]] = {
    "vpc-cni": frozenset({"enableNetworkPolicy", "enableWindowsIpam", "enableWindowsPrefixDelegation"}),
    "coredns": frozenset({"corefile", "computeType"}),
    "kube-proxy": frozenset({"mode"}),
}
"""Those of them that are strings."""

NOT_DEFINED = "is not defined in the schema and the schema does not allow additional properties"


def mistakes(addon: str, values: Any) -> Iterator[str]:
    """What EKS says of settings that the add-on's schema doesn't have."""
    if not isinstance(values, Mapping):
        yield f"$: {_kind(values)} found, object expected"
        return
    for name, value in values.items():
        if name not in SCHEMAS[addon]:
            yield f"$.{name}: {NOT_DEFINED}"
        elif name in STRINGS.get(addon, ()) and not isinstance(value, str):
            yield f"$.{name}: {_kind(value)} found, string expected"
        elif addon == "vpc-cni" and name == "env":
            yield from _environment(value)


def _environment(value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"$.env: {_kind(value)} found, object expected"
        return
    for name, each in value.items():
        if name not in CNI_ENVIRONMENT:
            yield f"$.env.{name}: {NOT_DEFINED}"
        elif not isinstance(each, str):
            yield f"$.env.{name}: {_kind(each)} found, string expected"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    words: Mapping[type, str] = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return words.get(type(value), "object")
