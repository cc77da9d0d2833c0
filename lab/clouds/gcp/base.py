"""What GCP's resources have in common: names, places, links to each other, and what is refused for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.kinds import Cloud, Kind, Refused, Unknown, known
from lab.clouds.store import CREATING, DELETING, READY, Record, State

COMPUTE = "https://www.googleapis.com/compute/v1/"
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")

NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
PEERING = "gcp:compute/networkPeering:NetworkPeering"
FIREWALL = "gcp:compute/firewall:Firewall"
ADDRESS = "gcp:compute/address:Address"
ROUTER = "gcp:compute/router:Router"
ROUTER_NAT = "gcp:compute/routerNat:RouterNat"
ROUTER_INTERFACE = "gcp:compute/routerInterface:RouterInterface"
ROUTER_PEER = "gcp:compute/routerPeer:RouterPeer"
VPN_GATEWAY = "gcp:compute/haVpnGateway:HaVpnGateway"
EXTERNAL_GATEWAY = "gcp:compute/externalVpnGateway:ExternalVpnGateway"
TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
SERVICE = "gcp:projects/service:Service"
IAM_MEMBER = "gcp:projects/iAMMember:IAMMember"
ACCOUNT = "gcp:serviceaccount/account:Account"
CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"


APIS = {
    "compute.googleapis.com": "Compute Engine",
    "container.googleapis.com": "Kubernetes Engine",
    "dns.googleapis.com": "Cloud DNS",
    "iam.googleapis.com": "Identity and Access Management (IAM)",
    "cloudresourcemanager.googleapis.com": "Cloud Resource Manager",
}


class ComputeKind(Kind):
    """A resource of the compute API that has a name of its own."""

    collection: ClassVar[str]
    """In its URL: `networks`, `subnetworks`."""
    regional: ClassVar[bool] = True
    auto_name = "name"
    computed = ("project", "selfLink")
    quota: ClassVar[str | None] = None
    """Of the project, for all of this kind."""

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from name_problems(inputs.get("name"))

    def place(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """(id, the outputs that say where it is). Raises Refused where its API is off or its quota used up."""
        require_service(cloud, "compute.googleapis.com", project(cloud, inputs))
        if self.quota and quotas.full(self.quota, len(cloud.state.all(self.token))):
            what = self.quota.removeprefix("gcp.").upper().replace("-", "_")
            raise Refused(f"Error 403: QUOTA_EXCEEDED - Quota '{what}' exceeded. Limit: {quotas.limit(self.quota)}.0")
        where = {"project": project(cloud, inputs)}
        scope = "global"
        if self.regional:
            where["region"] = region(cloud, inputs)
            scope = f"regions/{where['region']}"
        id = f"projects/{where['project']}/{scope}/{self.collection}/{inputs['name']}"
        if cloud.state.get(self.token, id) is not None:
            raise Refused(f"Error 409: The resource '{id}' already exists, alreadyExists")
        return id, {**where, "selfLink": COMPUTE + id}


def name_problems(name: Any) -> Iterator[tuple[str, str]]:
    if isinstance(name, str) and not NAME.fullmatch(name):
        yield "name", f'{name!r} doesn\'t match regexp "^(?:[a-z](?:[-a-z0-9]{{0,61}}[a-z0-9])?)$"'


def word_problems(path: str, value: Any, words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """An enumeration that the SDK has as a string."""
    if isinstance(value, str) and value not in words:
        yield path, f"expected {path} to be one of {sorted(words)}, got {value}"


def range_problems(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """A range in CIDR notation, without host bits."""
    if isinstance(value, str):
        try:
            IPv4Network(value)
        except ValueError as error:
            yield path, f"{value!r} is no valid CIDR range: {error}"


def project(cloud: Cloud, inputs: Mapping[str, Any]) -> str:
    """The resource's project, or the provider's."""
    return inputs.get("project") or cloud.project


def region(cloud: Cloud, inputs: Mapping[str, Any]) -> str:
    """The resource's region by name, or the provider's."""
    given = inputs.get("region") or cloud.region
    if not given:
        raise Refused("Cannot determine region: set in this resource, or set provider-level 'region' or 'zone'.")
    return str(given).rsplit("/", 1)[-1]


def require_service(cloud: Cloud, service: str, project: str) -> None:
    """Raises Refused where an API was not switched on."""
    record = cloud.state.get(SERVICE, f"{project}/{service}")
    if record is None or record.phase not in (READY, "updating"):
        raise Refused(
            f"Error 403: {APIS[service]} API has not been used in project {project} before or it is disabled. "
            f"Enable it by visiting https://console.developers.google.com/apis/api/{service}/overview then retry., "
            "accessNotConfigured"
        )


def resolve(cloud: Cloud, token: str, given: str, field: str, region: str | None = None) -> Record:
    """What a self link, an id or a bare name refers to. Raises Refused."""
    path = given.removeprefix(COMPUTE)
    if path.startswith("projects/"):
        found = cloud.state.get(token, path)
    else:
        named = [record for record in cloud.state.find(token, name=given) if region in (None, record["region"])]
        found = next(iter(named), None)
    if found is None:
        raise Refused(
            f"Error 400: Invalid value for field 'resource.{field}': '{given}'. "
            "The referenced resource cannot be found., invalid"
        )
    if found.phase == CREATING and found.busy:
        raise Refused(f"Error 400: The resource '{path}' is not ready, resourceNotReady")
    if found.phase == DELETING:
        raise Refused(f"Error 400: The resource '{path}' is being deleted, resourceNotReady")
    return found


def refuse_while_used(record: Record, users: Iterable[Record]) -> None:
    """Raises Refused where anything uses what is to be deleted."""
    for user in users:
        what = record.token.rsplit(":", 1)[-1].lower()
        raise Refused(
            f"Error 400: The {what} resource '{record.id}' is already being used by '{user.id}', "
            "resourceInUseByAnotherResource"
        )


def invalid(field: str, value: Any, reason: str) -> Refused:
    """The compute API's words for a field that is wrong."""
    return Refused(f"Error 400: Invalid value for field 'resource.{field}': '{value}'. {reason}, invalid")


def network_link(cloud: Cloud, given: str) -> str:
    """The self link of the network that is referred to. Raises Refused."""
    return resolve(cloud, NETWORK, given, "network")["selfLink"]


def ranges_of(subnetwork: Record) -> list[tuple[str, IPv4Network]]:
    """(name, range) of a subnetwork's primary range, under the name "", and of its secondary ones."""
    found = [("", IPv4Network(subnetwork["ipCidrRange"]))]
    secondary = subnetwork["secondaryIpRanges"] or ()
    return found + [(each["rangeName"], IPv4Network(each["ipCidrRange"])) for each in secondary]


def subnetworks_of(state: State, network: str) -> list[Record]:
    """The subnetworks of a network, by its self link."""
    return state.find(SUBNETWORK, network=network)


def now() -> str:
    """A creation time as GCP writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "-00:00")


def is_known(*values: Any) -> bool:
    """Whether all of these can be looked at in a check."""
    return all(known(value) and not isinstance(value, Unknown) for value in values)
