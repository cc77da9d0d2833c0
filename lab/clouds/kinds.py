"""What a model of one resource type is: the interface between the provider stand-ins and the clouds' own modules."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from lab.clouds.store import Record, State, Store
from lab.clouds.substrate_api import Substrate


class Refused(Exception):  # noqa: N818 (it is an answer, not a fault)
    """What the cloud refuses, in the cloud's own words; one line."""


class Unknown:
    """Stands in inputs for what a preview can't know."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of cloud time, unscaled."""

    create: float = 0
    update: float = 0
    delete: float = 0


@dataclass(slots=True)
class Cloud:
    """One cloud, as a model sees it during one call."""

    name: str
    """`gcp` or `aws`."""
    state: State
    """Its records: to be changed in `create`, `update` and `delete` and in a `transaction`, to be read elsewhere."""
    other: State
    """The other cloud's, to read: the far ends of VPNs."""
    substrate: Substrate
    config: Mapping[str, Any]
    """The provider's own: `project`, `region`."""
    store: Store

    @property
    def project(self) -> str:
        """GCP's project. Raises Refused where neither the provider's config nor the environment names one."""
        if not self.config.get("project"):
            raise Refused("project: required field is not set")
        return self.config["project"]

    @property
    def account(self) -> str:
        """AWS's account, twelve digits; a lab has one."""
        return "123456789012"

    @property
    def region(self) -> str | None:
        """The provider's default region."""
        return self.config.get("region")

    def random(self, length: int) -> str:
        """That many random hex digits."""
        return secrets.token_hex((length + 1) // 2)[:length]

    @contextmanager
    def transaction(self) -> Iterator[Cloud]:
        """For `settle` and `unsettle` alone: the cloud under the store's lock, to change other records too."""
        with self.store.transaction() as states:
            yield view(self.name, states, self.store, self.substrate, self.config)


def view(
    name: str, states: Mapping[str, State], store: Store, substrate: Substrate, config: Mapping[str, Any]
) -> Cloud:
    """A cloud over both clouds' states."""
    other = "aws" if name == "gcp" else "gcp"
    return Cloud(name, states[name], states[other], substrate, config, store)


class Kind:
    """One resource type; subclasses are registered by `register`.

    Inputs reach `create`, `update`, `delete` and `settle` with camelCase names, the kind's `defaults` filled in, whole
    numbers as int, and no secrets or unknowns; `check` alone may see UNKNOWN.
    """

    token: ClassVar[str]
    times: ClassVar[Times] = Times()
    auto_name: ClassVar[str | None] = None
    """The input that is named by logical name, hyphen and seven hex digits where it is missing."""
    auto_name_length: ClassVar[int] = 63
    """The longest such name; a longer one is refused, as the real provider does."""
    replaces: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change replaces: `name`, or a part of one, `nodeConfig.machineType`; list indices left out."""
    delete_before_replace: ClassVar[bool] = False
    computed: ClassVar[tuple[str, ...]] = ()
    """Outputs known only after creation, unless the program gave them as inputs: `arn`, or a part of an object,
    `vpcConfig.clusterSecurityGroupId`."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Outputs that are secret whatever the program says."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Inputs' values where the program gives none."""
    shapes: ClassVar[bool] = True
    """Whether packets may go otherwise after a change."""

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Problems beyond the SDK's types: (property's path, reason). Also at preview."""
        return ()

    def replaces_too(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> frozenset[str]:
        """More inputs whose change replaces, where that depends on what changes into what."""
        return frozenset()

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """(id, outputs beyond the inputs). Under the store's lock. Raises Refused."""
        raise NotImplementedError

    def settle(self, cloud: Cloud, record: Record) -> dict[str, Any] | None:
        """After the cloud's time for a creation or an update has passed, without the lock: outputs that changed.

        Raises Refused: then a created resource stays, to be deleted by the next run.
        """
        return None

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs that change beside the inputs. `record` still has the old inputs. Under the lock. Raises Refused."""
        return {}

    def delete(self, cloud: Cloud, record: Record) -> None:
        """Raises Refused where it is in use; may change other records. Under the lock; `record` goes by itself."""

    def unsettle(self, cloud: Cloud, record: Record) -> None:
        """After the cloud's time for a deletion, without the lock, just before the record goes: stop what runs."""


KINDS: dict[str, Kind] = {}
"""By token; filled when a cloud's package is imported."""

Invoke = Callable[[Cloud, Mapping[str, Any]], dict[str, Any]]
INVOKES: dict[str, Invoke] = {}
"""Functions (`aws:index/getCallerIdentity:getCallerIdentity`) by token."""


def register(kind: type[Kind]) -> type[Kind]:
    """Class decorator."""
    KINDS[kind.token] = kind()
    return kind


def invoke(token: str) -> Callable[[Invoke], Invoke]:
    """Function decorator."""

    def add(function: Invoke) -> Invoke:
        INVOKES[token] = function
        return function

    return add


def known(value: Any) -> bool:
    """Whether a value has nothing unknown in it."""
    if isinstance(value, Mapping):
        return all(known(each) for each in value.values())
    if isinstance(value, list | tuple):
        return all(known(each) for each in value)
    return not isinstance(value, Unknown)


def at(inputs: Any, path: str, default: Any = None) -> Any:
    """A nested input by its path, `ipAllocationPolicy.clusterSecondaryRangeName` or `vpcConfig.subnetIds.0`."""
    value = inputs
    for word in path.split("."):
        if isinstance(value, Mapping) and word in value:
            value = value[word]
        elif isinstance(value, list | tuple) and word.isdigit() and int(word) < len(value):
            value = value[int(word)]
        else:
            return default
    return default if value is None else value
