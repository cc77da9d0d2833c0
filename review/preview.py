"""`pulumi preview --json --show-sames` as plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LOCK = "pulumi-python:dynamic/multiregion:AddressLock"
GUARD = "pulumi:index:Stash"
STACK = "pulumi:pulumi:Stack"
PROVIDERS = "pulumi:providers:"
HIDDEN = "[secret]"
"""What the engine prints in place of a secret."""


class Op(StrEnum):
    """What an update would do to a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


_OWN_PROBLEM = re.compile(r"^pulumi-python:dynamic/multiregion:\S+ resource '[^']*' has a problem: ")
"""What the engine puts before a refusal of the address lock."""
_OPS: Mapping[str, Op | None] = {
    "create": Op.CREATE,
    "import": Op.CREATE,
    "update": Op.UPDATE,
    "replace": Op.REPLACE,
    "create-replacement": Op.REPLACE,
    "delete-replaced": Op.REPLACE,
    "import-replacement": Op.REPLACE,
    "delete": Op.DELETE,
    "same": None,
}
"""The engine's word -> ours; None: it stays as it is. Others (refresh, read, …) touch no resource."""


@dataclass(frozen=True, slots=True)
class State:
    """A resource before or after."""

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    parent: str
    """URN."""
    waits_for: tuple[str, ...]
    """URNs of its dependencies, its parent and its provider."""
    protect: bool
    custom: bool
    """False: a component, which is nothing by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """One resource of the stack, and what would happen to it."""

    urn: str
    type: str
    name: str
    op: Op | None
    old: State | None
    new: State | None
    forced_by: tuple[str, ...] = ()
    """Properties whose change forces a replacement."""
    hidden: tuple[str, ...] = ()
    """Changed properties of which no value is shown."""

    @property
    def now(self) -> State:
        """As it will be; as it was, where it goes."""
        state = self.new or self.old
        if state is None:
            raise ValueError(f"{self.urn}: neither oldState nor newState")
        return state

    @property
    def label(self) -> str:
        """Type and name: `StatefulSet us-east1-nodes`."""
        return f"{self.type.rpartition(':')[2]} {self.name}"

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Path -> (before, after) of every input that changes, as far as values are shown; missing ones are None."""
        before, after = (state.inputs if state else {} for state in (self.old, self.new))
        found = dict(_changes(before, after, ""))
        seen = {_first(path) for path in found}
        unseen = [path for path in self.hidden if _first(path) not in seen]
        return found | dict.fromkeys(unseen, (HIDDEN, HIDDEN))


@dataclass(frozen=True, slots=True)
class Preview:
    """A whole preview."""

    steps: tuple[Step, ...]
    errors: tuple[str, ...]
    """What the engine, the program or a provider refused, a message each."""
    before: Mapping[str, Any] | None
    """`components.plan.lock.record` of the running stack; None: nothing ran yet."""
    after: Mapping[str, Any] | None
    """The same of the config; None where the preview did not get so far."""
    by_urn: Mapping[str, Step] = field(default_factory=dict)

    @property
    def changed(self) -> list[Step]:
        """Steps that do something."""
        return [step for step in self.steps if step.op is not None]

    def of(self, type_end: str) -> list[Step]:
        """Steps of resources whose type ends so."""
        return [step for step in self.steps if step.type.endswith(type_end)]

    def parent_type(self, step: Step) -> str:
        """Type of a resource's parent, from its URN."""
        return _type_chain(step.now.parent).rpartition("$")[2]

    def parent_name(self, step: Step) -> str:
        """Name of a resource's parent, from its URN."""
        return step.now.parent.rpartition("::")[2]

    def reaches(self, urn: str) -> set[str]:
        """URNs that a resource waits for, directly or not."""
        seen: set[str] = set()
        todo = [urn]
        while todo:
            step = self.by_urn.get(todo.pop())
            if step is not None and step.urn not in seen:
                seen.add(step.urn)
                todo += step.now.waits_for
        return seen - {urn}


def read(document: Mapping[str, Any]) -> Preview:
    """From the JSON. Raises ValueError where it is none of `pulumi preview --json --show-sames`."""
    if "steps" not in document or "changeSummary" not in document:
        raise ValueError("not the output of `pulumi preview --json`: no steps and no changeSummary in it")
    steps: dict[str, Step] = {}
    for raw in document["steps"]:
        if raw["op"] in _OPS:
            step = _step(raw)
            steps[step.urn] = _joined(steps[step.urn], step) if step.urn in steps else step
    errors = tuple(_errors(document.get("diagnostics") or ()))
    parents = {
        step.new.parent for step in steps.values() if step.new and _type_chain(step.new.parent) not in ("", STACK)
    }
    if not errors and not parents <= steps.keys():
        raise ValueError("leaves out what stays as it is, on which changes depend; preview with --json --show-sames")
    lock = next((step for step in steps.values() if step.type == LOCK), None)
    return Preview(
        steps=tuple(steps.values()),
        errors=errors,
        before=_record(lock.old) if lock else None,
        after=_record(lock.new) if lock else None,
        by_urn=steps,
    )


def _step(raw: Mapping[str, Any]) -> Step:
    urn = raw["urn"]
    differs = raw.get("detailedDiff") or {}
    return Step(
        urn=urn,
        type=_type_chain(urn).rpartition("$")[2],
        name=urn.rpartition("::")[2],
        op=_OPS[raw["op"]],
        old=_state(raw.get("oldState")),
        new=_state(raw.get("newState")),
        forced_by=tuple(
            dict.fromkeys(
                [
                    *(raw.get("replaceReasons") or ()),
                    *(path for path, each in differs.items() if each["kind"].endswith("-replace")),
                ]
            )
        ),
        hidden=tuple(dict.fromkeys([*differs, *(raw.get("diffReasons") or ())])),
    )


def _joined(one: Step, other: Step) -> Step:
    """A replacement may come as several steps."""
    return Step(
        urn=one.urn,
        type=one.type,
        name=one.name,
        op=one.op or other.op,
        old=one.old or other.old,
        new=one.new or other.new,
        forced_by=tuple(dict.fromkeys([*one.forced_by, *other.forced_by])),
        hidden=tuple(dict.fromkeys([*one.hidden, *other.hidden])),
    )


def _state(raw: Mapping[str, Any] | None) -> State | None:
    if not raw:
        return None
    parent, provider = raw.get("parent") or "", (raw.get("provider") or "").rpartition("::")[0]
    return State(
        inputs=raw.get("inputs") or {},
        outputs=raw.get("outputs") or {},
        parent=parent,
        waits_for=tuple(urn for urn in (*(raw.get("dependencies") or ()), parent, provider) if urn),
        protect=bool(raw.get("protect")),
        custom=bool(raw.get("custom")),
    )


def _type_chain(urn: str) -> str:
    parts = urn.split("::")
    return parts[2] if len(parts) > 3 else ""


def _record(state: State | None) -> Mapping[str, Any] | None:
    text = state.inputs.get("record") if state else None
    return json.loads(text) if isinstance(text, str) else None


def _errors(diagnostics: Any) -> Iterator[str]:
    for each in diagnostics:
        message = each["message"].strip().removeprefix("error: ")
        # Said after the reasons, which are messages of their own.
        echo = message.startswith(("an unhandled error", "preview failed"))
        if each.get("severity") == "error" and message and not echo:
            yield _OWN_PROBLEM.sub("", message)


def _first(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _changes(before: Any, after: Any, path: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            if not str(key).startswith("__"):
                yield from _changes(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _changes(one, other, f"{path}[{index}]")
    else:
        yield path, (before, after)
