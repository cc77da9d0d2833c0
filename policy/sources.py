"""Where a graph comes from: the policy analyzer, an exported stack, a preview as JSON, a recorded program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .graph import UNKNOWN, Graph, Resource

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - marks a secret on the wire, holds none
_UNKNOWNS = frozenset(
    (
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    )
)
"""What stands for an unknown value on the wire and in a preview's JSON (pulumi/sdk `plugin.Unknown…Value`)."""
_HIDDEN = "[secret]"
_GONE = frozenset(("delete", "delete-replaced", "read-discard", "discard-replaced", "remove-pending-replace"))
"""Steps of a preview after which the resource is not there."""


def value(raw: Any) -> Any:
    """A value off the wire: secrets opened where they are shown, unknown ones `UNKNOWN`."""
    if isinstance(raw, str):
        return UNKNOWN if raw in _UNKNOWNS or raw == _HIDDEN else raw
    if isinstance(raw, Mapping):
        if raw.get(_SIGNATURE) == _SECRET:
            if "plaintext" in raw:
                return value(json.loads(raw["plaintext"]))
            return value(raw["value"]) if "value" in raw else UNKNOWN
        return {key: value(item) for key, item in raw.items() if not key.startswith("__")}
    if isinstance(raw, Iterable) and not isinstance(raw, bytes):
        return [value(item) for item in raw]
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    return raw


def from_export(exported: Mapping[str, Any]) -> Graph:
    """The graph of `pulumi stack export` (with `--show-secrets`, keys are compared too, else only followed)."""
    deployment = exported.get("deployment", exported)
    return Graph(_state(state) for state in deployment.get("resources") or () if not state.get("delete"))


def from_preview(preview: Mapping[str, Any]) -> Graph:
    """The graph of `pulumi preview --json --show-sames`: the stack as it will be.

    Raises ValueError for a preview that leaves out what stays as it is.
    """
    urns = {(step.get("newState") or step.get("oldState") or {}).get("urn") for step in preview.get("steps", ())}
    resources = []
    for step in preview.get("steps", ()):
        new, old = step.get("newState"), step.get("oldState") or {}
        if new is None or step.get("op") in _GONE:
            continue
        if new.get("parent") and new["parent"] not in urns:
            raise ValueError("the preview leaves out what stays as it is; make it with --json --show-sames")
        stays = step.get("op") in ("same", "update", "refresh", "read")
        resources.append(_state(new, old if stays else {}))
    return Graph(resources)


def from_json(document: Mapping[str, Any]) -> Graph:
    """Whichever of the two it is. Raises ValueError for neither."""
    if "steps" in document:
        return from_preview(document)
    if "resources" in document.get("deployment", document):
        return from_export(document)
    raise ValueError(
        "neither `pulumi preview --json --show-sames` nor `pulumi stack export`: no steps and no resources in it"
    )


def from_analyzer(resources: Iterable[Any], inputs: Mapping[str, Any] | None = None) -> Graph:
    """The graph of pulumi-policy's `StackValidationArgs.resources`, whose proxies raise at unknown values.

    `inputs`: URN -> a resource's own inputs (`plain`). The engine hands over outputs, and of a resource whose
    provider is not known yet, such as that of a cluster to be made, there are none in a preview.
    """
    given = inputs or {}
    return Graph(
        Resource(
            urn=resource.urn,
            type=resource.resource_type,
            props=_overlaid(given.get(resource.urn, {}), plain(resource.props)),
            depends={
                key: tuple(there.urn for there in others) for key, others in resource.property_dependencies.items()
            },
            id=_text(plain(resource.props).get("id")),
            provider=resource.provider.urn if resource.provider else "",
            protect=bool(resource.opts.protect),
        )
        for resource in resources
    )


def plain(props: Any) -> dict[str, Any]:
    """What is behind pulumi-policy's proxies, as values."""
    return value(_open(props))


def from_recording(registered: Iterable[Any]) -> Graph:
    """The graph of a recorded program (tests/unit/recording.py): what it registered, with ids as the mocks gave them.

    Of each: `urn`, `id`, `type`, `wire`, `outputs`, `property_dependencies`, `provider` and `protect`.
    """
    return Graph(
        Resource(
            urn=made.urn,
            type=made.type,
            props=_overlaid(value(made.wire), value(made.outputs)),
            depends={key: tuple(sorted(urns)) for key, urns in made.property_dependencies.items()},
            id=_text(made.id),
            provider=made.provider.rpartition("::")[0],
            protect=made.protect,
            partial=True,
        )
        for made in registered
    )


def _state(state: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> Resource:
    old = old or {}
    before = {**(old.get("inputs") or {}), **(old.get("outputs") or {})}
    props = {**before, **(state.get("inputs") or {}), **(state.get("outputs") or {})}
    return Resource(
        urn=state["urn"],
        type=state["type"],
        props=value(props),
        depends={key: tuple(urns) for key, urns in (state.get("propertyDependencies") or {}).items() if urns},
        id=_text(state.get("id") or old.get("id")),
        provider=(state.get("provider") or "").rpartition("::")[0],
        protect=bool(state.get("protect")),
    )


def _overlaid(inputs: Any, outputs: Any) -> Any:
    """Outputs over inputs, but where only the inputs know a value or, in mocks' answers, that one is to come."""
    if isinstance(inputs, Mapping) and isinstance(outputs, Mapping):
        return {**outputs, **{key: _overlaid(raw, outputs.get(key)) for key, raw in inputs.items()}}
    if isinstance(inputs, list) and isinstance(outputs, list) and len(inputs) == len(outputs):
        return [_overlaid(one, other) for one, other in zip(inputs, outputs, strict=True)]
    return inputs if outputs is None or outputs is UNKNOWN else outputs


def _text(raw: Any) -> str | None:
    found = value(raw)
    return found if isinstance(found, str) and found else None


def _open(raw: Any) -> Any:
    """What is behind pulumi-policy's proxies."""
    if type(raw).__module__.startswith("pulumi_policy"):
        return _open(raw["__target"])
    if isinstance(raw, dict):
        return {key: _open(item) for key, item in raw.items()}
    if isinstance(raw, list):
        return [_open(item) for item in raw]
    return raw
