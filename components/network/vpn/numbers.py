"""BGP's numbers and the addresses inside tunnels: they follow from the regions' places in the stack alone."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

FIRST_GCP_ASN = 64512
FIRST_AWS_ASN = 64600
"""Private numbers (RFC 6996): AWS takes 64512 to 65534."""

TUNNELS = 4
"""Between one gateway and one VPC: two ends on Google's side, and for each a connection of two tunnels on Amazon's."""

FIRST_INSIDE = IPv4Address("169.254.8.0")
"""AWS keeps 169.254.0.0/30 to 169.254.5.0/30 and 169.254.169.252/30 for itself."""

MAX_GATEWAYS = 40
MAX_VPCS = 64
"""Places that have room below 169.254.169.252: four /30s for each pair of them."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The two ends of one tunnel: AWS has the first address of the /30, its customer the second."""

    network: IPv4Network

    @property
    def aws(self) -> str:
        """The Virtual Private Gateway's address."""
        return str(self.network[1])

    @property
    def gcp(self) -> str:
        """The Cloud Router's address."""
        return str(self.network[2])

    @property
    def gcp_interface(self) -> str:
        """The Cloud Router's address with its prefix."""
        return f"{self.gcp}/{self.network.prefixlen}"


def gcp_asn(place: int) -> int:
    """Number of the Cloud Router in the gke region at `place`. Raises ValueError past the last place."""
    return FIRST_GCP_ASN + _checked(place, MAX_GATEWAYS, "gke")


def aws_asn(place: int) -> int:
    """Number of Amazon's side in the eks region at `place`. Raises ValueError past the last place."""
    return FIRST_AWS_ASN + _checked(place, MAX_VPCS, "eks")


def inside(gateway: int, vpc: int) -> list[Inside]:
    """Ends of the four tunnels between two places.

    No other pair has them: a GCP network wants them different over all its routers, and an AWS gateway over all its
    connections. Raises ValueError past the last place.
    """
    pair = _checked(gateway, MAX_GATEWAYS, "gke") * MAX_VPCS + _checked(vpc, MAX_VPCS, "eks")
    return [Inside(IPv4Network((int(FIRST_INSIDE) + 4 * (TUNNELS * pair + k), 30))) for k in range(TUNNELS)]


def _checked(place: int, end: int, platform: str) -> int:
    if not 0 <= place < end:
        raise ValueError(f"a VPN takes {platform} regions among the first {end} of the stack, not at place {place}")
    return place
