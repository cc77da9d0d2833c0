"""Run a Pulumi program against mocks that write down every registration: one call, one record, one fresh event loop."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc
from pulumi.runtime.stack import run_pulumi_func

PROJECT = "cockroachdb-multiregion"
STACK = "dev"
SECRET = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")
"""Key and value that mark a secret on the wire (pulumi/sdk `special_sig_key`, `special_secret_sig`)."""

Outputs = Callable[[mocks.MockResourceArgs], Mapping[str, Any]]


@dataclass(frozen=True)
class Registered:
    """One resource as the engine would be told of it."""

    urn: str
    type: str
    name: str
    parent: str
    provider: str
    protect: bool
    ignore_changes: tuple[str, ...]
    dependencies: frozenset[str]
    """URNs, explicit ones and those of its inputs."""
    inputs: dict[str, Any] = field(hash=False)
    """Secrets unwrapped."""
    wire: dict[str, Any] = field(hash=False)
    """As sent: a secret is an object with the `SECRET` mark."""
    property_dependencies: dict[str, frozenset[str]] = field(hash=False)
    """Input -> URNs of the resources that its value came from."""
    outputs: dict[str, Any] = field(hash=False)
    """As answered, on the wire too."""
    id: str

    def plain_texts(self) -> Iterator[str]:
        """Every text that would stand in the state in the clear."""
        yield from _plain(self.wire)


@dataclass
class Recording:
    """What a program registered and exported."""

    resources: list[Registered]
    result: Any

    def of(self, type_end: str) -> list[Registered]:
        """Resources whose type ends so, in name order."""
        return sorted((made for made in self.resources if made.type.endswith(type_end)), key=lambda made: made.name)

    def named(self, type_end: str, name: str) -> Registered:
        """The one resource of that type and name."""
        (found,) = (made for made in self.of(type_end) if made.name == name)
        return found

    def graph(self) -> set[tuple[str, str, str, frozenset[str]]]:
        """What must be the same in a preview and in an update."""
        return {(made.urn, made.parent, made.provider.split("::")[-2], made.dependencies) for made in self.resources}

    def reaches(self, urn: str) -> set[str]:
        """URNs that a resource waits for, directly or not: by its inputs, by `depends_on`, by its parent."""
        by_urn = {made.urn: made for made in self.resources}
        seen: set[str] = set()
        todo = [urn]
        while todo:
            made = by_urn.get(todo.pop())
            if made is None or made.urn in seen:
                continue
            seen.add(made.urn)
            todo += [*made.dependencies, made.parent, made.provider.rpartition("::")[0]]
        return seen - {urn}


def record(program: Callable[[], Any], outputs: Outputs = lambda _: {}, *, preview: bool = False) -> Recording:
    """Run `program`; `outputs` gives a resource's outputs beside its inputs (unknown in a preview where it gives none).

    A program that returns outputs gets them resolved: `Recording.result` holds plain values, None for unknown ones.
    """
    asyncio.set_event_loop(asyncio.new_event_loop())
    monitor = _Monitor(_Mocks(outputs))
    pulumi.runtime.set_mocks(monitor.mocks, PROJECT, STACK, preview, monitor=monitor)
    seen: list[Any] = []

    def run() -> None:
        pulumi.Output.from_input(program()).apply(seen.append, run_with_unknowns=True)

    asyncio.get_event_loop().run_until_complete(run_pulumi_func(run))
    return Recording(monitor.recorded, seen[0] if seen else None)


class _Mocks(mocks.Mocks):
    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"no program here calls a function: {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}-id", {**args.inputs, **self._outputs(args)}


class _Monitor(mocks.MockMonitor):
    def __init__(self, given: mocks.Mocks) -> None:
        super().__init__(given)
        self.recorded: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self.recorded.append(
                Registered(
                    urn=answer.urn,
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    provider=request.provider or "::default::",
                    protect=request.protect,
                    ignore_changes=tuple(request.ignoreChanges),
                    dependencies=frozenset(request.dependencies),
                    inputs={
                        key: rpc.unwrap_rpc_secret(value)
                        for key, value in rpc.deserialize_properties(request.object).items()
                    },
                    wire=json_format.MessageToDict(request.object),
                    property_dependencies={
                        key: frozenset(found.urns) for key, found in request.propertyDependencies.items()
                    },
                    outputs=json_format.MessageToDict(answer.object),
                    id=answer.id,
                )
            )
        return answer


def _plain(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _plain(item)
    elif isinstance(value, dict) and value.get(SECRET[0]) != SECRET[1]:
        for item in value.values():
            yield from _plain(item)
