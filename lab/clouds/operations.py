"""What a provider stand-in does with plain values: check, compare, create, read, update and delete."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from lab.clouds import schema
from lab.clouds.kinds import INVOKES, KINDS, UNKNOWN, Cloud, Kind, Refused, at, known, view
from lab.clouds.store import CREATING, DELETING, FAILED, READY, UPDATING, Record, Store
from lab.clouds.substrate_api import Substrate
from lab.clouds.times import Clock, Interrupted
from lab.shell import LabError


class HalfMade(Exception):  # noqa: N818 (the resource is there)
    """A creation or an update that broke half way: the resource is there, with these outputs."""

    def __init__(self, record: Record, reason: str) -> None:
        super().__init__(reason)
        self.record = record


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two sets of inputs: paths with list indices, as the engine shows them."""

    changed: tuple[str, ...]
    replacing: tuple[str, ...]
    delete_first: bool


class Operations:
    """One cloud's, over the store."""

    def __init__(self, cloud: str, store: Store, substrate: Substrate, clock: Clock) -> None:
        self.cloud = cloud
        self.store = store
        self.substrate = substrate
        self.clock = clock
        self.config: Mapping[str, Any] = {}

    def now(self) -> Cloud:
        """The cloud as it is, to read."""
        return view(self.cloud, self.store.snapshot(), self.store, self.substrate, self.config)

    def check(
        self, token: str, name: str, olds: Mapping[str, Any], news: Mapping[str, Any], seed: bytes
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """(inputs with their defaults, problems)."""
        try:
            found = list(schema.problems(token, news))
        except schema.NoSuchType as error:
            return dict(news), [("", str(error))]
        kind = KINDS.get(token)
        if kind is None:
            return dict(news), [*found, ("", f"{token}: the lab's cloud has no model of this resource type")]
        inputs = {**kind.defaults, **news}
        if kind.auto_name and kind.auto_name not in inputs:
            inputs[kind.auto_name] = olds.get(kind.auto_name) or auto_name(self.cloud, name, seed)
            if len(str(inputs[kind.auto_name])) > kind.auto_name_length:
                reason = f"{inputs[kind.auto_name]!r} is longer than {kind.auto_name_length} characters"
                found.append((kind.auto_name, reason))
        if not found:
            found = list(kind.check(self.now(), inputs))
        return inputs, found

    def compare(self, token: str, name: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
        """What an update would change, and whether it would have to replace.

        As the real providers' bridge: the old one goes first only where its type says so, or where it has a name that
        the program gave; the successor of one that named itself has another name.
        """
        kind = _kind(token)
        changed = tuple(changes("", dict(olds), dict(news)))
        names = kind.replaces | kind.replaces_too(olds, news)
        replacing = tuple(path for path in changed if _replaces(names, path))
        given = kind.auto_name is not None and not is_auto_name(self.cloud, name, news.get(kind.auto_name))
        return Difference(changed, replacing, bool(replacing) and (kind.delete_before_replace or given))

    def preview(self, token: str, inputs: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Outputs as far as a preview knows them; `old` are those that an update starts from."""
        computed = _kind(token).computed
        top = {name: UNKNOWN for name in computed if "." not in name} if old is None else dict(old)
        outputs = {**top, **inputs}
        if old is None:
            outputs["id"] = UNKNOWN
        for name, _, inner in (path.partition(".") for path in computed if "." in path):
            if isinstance(outputs.get(name), Mapping):
                value = UNKNOWN if old is None else at(old, f"{name}.{inner}", UNKNOWN)
                outputs[name] = {inner: value, **outputs[name]}
        return outputs

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> Record:
        """Raises Refused where nothing was made, HalfMade where something was."""
        kind = _kind(token)
        if not known(inputs):
            raise Refused("an input is unknown")
        with self._locked() as cloud:
            id, outputs = kind.create(cloud, inputs)
            if cloud.state.get(token, id) is not None:
                raise Refused(f"{id}: already exists")
            # The real providers' outputs have the id too: whoever sees outputs alone, such as a policy, needs it.
            made = {**inputs, **outputs, "id": id}
            record = cloud.state.put(Record(token, id, name, dict(inputs), made, CREATING, os.getpid()))
        return self._settled(kind, record, kind.times.create)

    def read(self, token: str, id: str) -> Record | None:
        return self.now().state.get(token, id)

    def update(self, token: str, id: str, inputs: Mapping[str, Any]) -> Record:
        """Raises Refused where nothing was changed, HalfMade where something was."""
        kind = _kind(token)
        with self._locked() as cloud:
            record = cloud.state.get(token, id)
            if record is None:
                raise Refused(f"{id}: not found")
            outputs = kind.update(cloud, record, inputs)
            gone = {name: None for name in record.inputs if name not in inputs}
            kept = {key: value for key, value in record.outputs.items() if key not in gone or key in outputs}
            fresh = {**kept, **inputs, **outputs}
            record = cloud.state.put(
                replace(record, inputs=dict(inputs), outputs=fresh, phase=UPDATING, owner=os.getpid())
            )
        return self._settled(kind, record, kind.times.update)

    def delete(self, token: str, id: str) -> None:
        """What isn't there any more is no error. Raises Refused."""
        kind = _kind(token)
        with self._locked() as cloud:
            record = cloud.state.get(token, id)
            if record is None:
                return
            kind.delete(cloud, record)
            current = cloud.state.get(token, id) or record
            record = cloud.state.put(replace(current, phase=DELETING, owner=os.getpid()))
        try:
            self.clock.wait(kind.times.delete)
            kind.unsettle(self.now(), record)
        except Exception as error:
            self._finish(record, FAILED, {})
            raise Refused(_said(error)) from error
        with self._locked() as cloud:
            cloud.state.remove(record)
        self._shape(kind)

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Raises Refused."""
        if token not in INVOKES:
            raise Refused(f"{token}: the lab's cloud has no model of this function")
        return INVOKES[token](self.now(), arguments)

    def _settled(self, kind: Kind, record: Record, seconds: float) -> Record:
        try:
            self.clock.wait(seconds)
            outputs = kind.settle(self.now(), record) or {}
            record = self._finish(record, READY, outputs)
            self._shape(kind)
        except Exception as error:
            raise HalfMade(self._finish(record, FAILED, {}), _said(error)) from error
        return record

    def _shape(self, kind: Kind) -> None:
        if kind.shapes:
            self.substrate.reshape()

    def _finish(self, record: Record, phase: str, outputs: Mapping[str, Any]) -> Record:
        with self._locked() as cloud:
            current = cloud.state.get(record.token, record.id)
            if current is None:
                raise Refused(f"{record.id}: was deleted in the meantime")
            return cloud.state.put(replace(current, outputs={**current.outputs, **outputs}, phase=phase, owner=0))

    def _locked(self) -> AbstractContextManager[Cloud]:
        return self.now().transaction()


def _said(error: Exception) -> str:
    """What to tell the engine; what nobody foresaw is also told in full, in the plugin's log."""
    if isinstance(error, Refused | LabError | Interrupted):
        return str(error)
    traceback.print_exception(error, file=sys.stderr)
    return f"{type(error).__name__}: {error}"


def auto_name(cloud: str, name: str, seed: bytes) -> str:
    """The logical name, a hyphen, seven hex digits that the engine's seed decides; GCP's are in lower case."""
    digits = hashlib.sha256(seed or os.urandom(16)).hexdigest()[:7]
    return f"{_stem(cloud, name)}-{digits}"


def is_auto_name(cloud: str, name: str, value: Any) -> bool:
    """Whether `auto_name` gives such a value to what is called `name`."""
    return isinstance(value, str) and re.fullmatch(rf"{re.escape(_stem(cloud, name))}-[0-9a-f]{{7}}", value) is not None


def _stem(cloud: str, name: str) -> str:
    return name.lower() if cloud == "gcp" else name


def changes(path: str, old: Any, new: Any) -> Iterator[str]:
    """Paths of what differs, as deep as both have one form, `vpcConfig.subnetIds[0]`; none is an empty object."""
    if isinstance(old, Mapping | None) and isinstance(new, Mapping | None):
        before, after = old or {}, new or {}
        for name in sorted({*before, *after}):
            yield from changes(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from changes(f"{path}[{index}]", one, other)
    elif old != new:
        yield path


def _replaces(names: Collection[str], path: str) -> bool:
    words = "".join(part.split("]", 1)[-1] for part in path.split("["))
    return any(words == each or words.startswith(f"{each}.") or each.startswith(f"{words}.") for each in names)


def _kind(token: str) -> Kind:
    kind = KINDS.get(token)
    if kind is None:
        raise Refused(f"{token}: the lab's cloud has no model of this resource type")
    return kind
