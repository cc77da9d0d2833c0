"""Which resources are the network: the ones that a stack can be tried without."""

from __future__ import annotations

from .aws import kinds as aws
from .gcp import kinds as gcp

NETWORK = frozenset(
    kind
    for module in (aws, gcp)
    for name, kind in vars(module).items()
    if name.isupper() and kind not in (aws.KMS_KEY, aws.EBS_VOLUME, aws.LAUNCH_TEMPLATE)
)
"""Types that carry or stop packets."""

OTHER_ADDONS = frozenset(("eks-pod-identity-agent", "aws-ebs-csi-driver"))
"""They carry none."""
