"""A stack's resources as plain values: what is known of each, and which others its properties came from.

A reference from one resource to another is a value (an id, a self link, a name, an address) once that is known. In a
first preview it is not; then the property's dependencies say where it will come from.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

T = TypeVar("T")


class Unknown:
    """A value that only an update decides, or a secret that is not shown."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

_SELF_LINK = re.compile(r"^https://[a-z.]+/compute/[a-z0-9]+/")
"""What a self link has before the id: `https://www.googleapis.com/compute/v1/`, in some answers of another version."""
_IDENTITIES = ("id", "selfLink", "arn", "name")
_OWN_IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "aws:eks/cluster:Cluster": ("vpcConfig.clusterSecurityGroupId",),
    "aws:eks/nodeGroup:NodeGroup": ("resources.*.autoscalingGroups.*.name",),
    "aws:ec2transitgateway/transitGateway:TransitGateway": (
        "associationDefaultRouteTableId",
        "propagationDefaultRouteTableId",
    ),
    "aws:ec2/vpnConnection:VpnConnection": (
        "tunnel1Address",
        "tunnel2Address",
        "tunnel1PresharedKey",
        "tunnel2PresharedKey",
    ),
    "gcp:compute/haVpnGateway:HaVpnGateway": ("vpnInterfaces.*.ipAddress",),
    "gcp:serviceaccount/account:Account": ("email", "member"),
}
"""Type -> further properties by which other resources refer to one of it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, as far as it is known."""

    urn: str
    type: str
    props: Mapping[str, Any] = field(hash=False)
    """Inputs, overlaid by outputs, in the provider's own (camelCase) words; `UNKNOWN` for what is not known yet."""
    depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Property -> URNs of the resources that its value came from."""
    id: str | None = None
    provider: str = ""
    """URN of its provider."""
    protect: bool = False
    partial: bool = False
    """True: a value that is not there may still come from a dependency (mocks leave out what only a cloud decides)."""

    @property
    def name(self) -> str:
        """The name that the program gave it."""
        return self.urn.rpartition("::")[2]

    @property
    def label(self) -> str:
        """Type and name, for messages: `Firewall gcp-nodes`."""
        return f"{self.type.rpartition(':')[2]} {self.name}"

    def get(self, path: str, default: Any = None) -> Any:
        """The value at `path` (`vpcConfig.subnetIds.0`); `UNKNOWN` where it or what holds it is unknown."""
        found = self.values(path)
        return default if not found or found[0] is None else found[0]

    def values(self, path: str) -> list[Any]:
        """Every value at `path`, in which `*` stands for all items of a list."""
        return list(_values(self.props, path.split(".")))

    def says(self, path: str) -> bool:
        """Whether it has a value at `path`, known or not."""
        if any(value is not None and value != "" for value in self.values(path)):
            return True
        return self.partial and bool(self.depends.get(path.split(".")[0]))

    def texts(self, path: str) -> list[str]:
        """The known texts at `path`, a list or a single one."""
        flat = [item for value in self.values(path) for item in (value if isinstance(value, list) else [value])]
        return [item for item in flat if isinstance(item, str)]


class Graph:
    """Resources, found by type and by reference. Never changes; `without` and `changed` give other graphs."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_urn = {resource.urn: resource for resource in resources}
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        self._by_identity: dict[str, list[Resource]] = defaultdict(list)
        self._pointing: dict[tuple[str, str, tuple[str, ...]], dict[str, list[Resource]]] = {}
        """Type, path and the types it may lead to (none: its text) -> URN or text -> who leads there."""
        self._derived: dict[tuple[Any, ...], Any] = {}
        for resource in self._by_urn.values():
            self._by_type[resource.type].append(resource)
            for identity in {_normal(text) for text in _identities(resource)}:
                self._by_identity[identity].append(resource)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_urn.values())

    def __contains__(self, urn: str) -> bool:
        return urn in self._by_urn

    def __getitem__(self, urn: str) -> Resource:
        return self._by_urn[urn]

    def of(self, *kinds: str) -> list[Resource]:
        """All resources of these types."""
        return [resource for kind in kinds for resource in self._by_type.get(kind, ())]

    def follow(self, resource: Resource, path: str, *kinds: str) -> list[Resource]:
        """The resources of types `kinds` that the value at `path` refers to; none where it leads nowhere.

        A known value is believed, even against the dependencies: someone may have changed it. Of several resources
        with that value, in different places of a cloud, the one it came from counts.
        """
        own = resource.depends.get(path.split(".")[0], ())
        values = [item for value in resource.values(path) for item in (value if isinstance(value, list) else [value])]
        found: dict[str, Resource] = {}
        for value in values:
            if isinstance(value, str) and value:
                meant = [there for there in self._by_identity.get(_normal(value), ()) if there.type in kinds]
                meant = [there for there in meant if there.urn in own] or meant
                found |= {there.urn: there for there in meant}
        absent = not values or any(value is None or value == "" for value in values)
        if any(value is UNKNOWN for value in values) or (absent and resource.partial):
            for urn in own:
                if urn in self._by_urn:
                    found[urn] = self._by_urn[urn]
        return [there for there in found.values() if there.type in kinds]

    def pointing(self, kind: str, path: str, target: Resource, *through: str) -> list[Resource]:
        """The resources of type `kind` whose `path` refers to `target`.

        `through`: types beside the target's own that the reference may lead to, such as one that names the target.
        """
        kinds = (target.type, *through)
        key = (kind, path, kinds)
        if key not in self._pointing:
            index: dict[str, list[Resource]] = defaultdict(list)
            for resource in self._by_type.get(kind, ()):
                for there in self.follow(resource, path, *kinds):
                    index[there.urn].append(resource)
            self._pointing[key] = index
        return self._pointing[key].get(target.urn, [])

    def holding(self, kind: str, path: str, text: str) -> list[Resource]:
        """The resources of type `kind` that say `text` at `path`."""
        key = (kind, path, ())
        if key not in self._pointing:
            index: dict[str, list[Resource]] = defaultdict(list)
            for resource in self._by_type.get(kind, ()):
                for found in resource.texts(path):
                    index[found].append(resource)
            self._pointing[key] = index
        return self._pointing[key].get(text, [])

    def derived(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What `make` works out of this graph, once for each `key`."""
        if key not in self._derived:
            self._derived[key] = make()
        return self._derived[key]

    def without(self, *urns: str) -> Graph:
        """The graph in which these resources were never made, or are gone."""
        return Graph(resource for resource in self if resource.urn not in urns)

    def changed(self, urn: str, **props: Any) -> Graph:
        """The graph in which that resource has these properties."""
        return Graph(
            replace(resource, props={**resource.props, **props}) if resource.urn == urn else resource
            for resource in self
        )


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    if not path or value is UNKNOWN:
        yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _values(item, path[1:])
    elif isinstance(value, Mapping):
        if path[0] in value:
            yield from _values(value[path[0]], path[1:])
    elif isinstance(value, list) and path[0].isdigit() and int(path[0]) < len(value):
        yield from _values(value[int(path[0])], path[1:])


def _identities(resource: Resource) -> Iterator[str]:
    if resource.id:
        yield resource.id
    for path in (*_IDENTITIES, *_OWN_IDENTITIES.get(resource.type, ())):
        yield from resource.texts(path)


def _normal(text: str) -> str:
    return _SELF_LINK.sub("", text)
