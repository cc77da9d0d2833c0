"""Rules that ask for a second look: what is meant to happen, but not to be missed."""

from __future__ import annotations

from collections.abc import Iterator

from . import kinds
from .preview import Op, Preview
from .risk import Risk, Rule, Severity, forced, leaves, stateful_sets, where


def _regions(preview: Preview) -> Iterator[Risk]:
    said = {
        "draining": "its replicas move to the other regions, and its nodes leave the membership",
        "lost": "its objects leave the state, and its API server is not asked again: what still runs there has to be "
        "removed by hand",
        "removed": "what is left of it is deleted",
    }
    was, now = kinds.states(preview.before), kinds.states(preview.after)
    for region, state in now.items():
        before = was.get(region)
        if before is not None and before != state and state in said:
            loss = " with its data" if state == "removed" and before == "active" else ""
            yield Risk(Severity.CAREFUL, region, f"{before} → {state}: {said[state]}{loss}")


def _version(preview: Preview) -> Iterator[Risk]:
    if not preview.before or not preview.after:
        return
    was, now = (str(record.get("version", "")) for record in (preview.before, preview.after))
    series = [version.rpartition(".")[0] for version in (was, now)]
    if series[0] != series[1] and was:
        yield Risk(
            Severity.CAREFUL,
            kinds.EVERYWHERE,
            f"upgrade from {was} to {now}, another release series: nodes of both run side by side until the last "
            "region has restarted; once finalised there is no way back",
        )


def _fewer(preview: Preview) -> Iterator[Risk]:
    for step, spec in stateful_sets(preview):
        before = (step.old.inputs["spec"].get("replicas") if step.old else None) or 0
        if step.op is Op.UPDATE and spec.get("replicas", 1) < before:
            yield Risk(
                Severity.CAREFUL,
                where(preview, step),
                f"takes {before - spec['replicas']} of {before} nodes away, the last ones; their volumes stay",
            )


def _hosts(preview: Preview) -> Iterator[Risk]:
    for step in preview.changed:
        here = where(preview, step)
        if step.type in kinds.HOSTS and step.op in (Op.DELETE, Op.REPLACE) and not leaves(preview, here):
            how = "goes" if step.op is Op.DELETE else f"is made anew{forced(step)}"
            yield Risk(
                Severity.CAREFUL,
                here,
                f"{step.label} {how}: the cloud drains its hosts, one pod at a time as long as it heeds the "
                "PodDisruptionBudget",
            )


def _ways(preview: Preview) -> Iterator[Risk]:
    """The network of a region whose nodes run."""
    for step in preview.changed:
        if step.op not in (Op.DELETE, Op.REPLACE) or kinds.is_run(preview, step) or not step.now.custom:
            continue
        what, here = kinds.touches(step), where(preview, step)
        if what not in (kinds.Touches.NETWORK, kinds.Touches.DNS) or leaves(preview, here):
            continue
        how = "goes" if step.op is Op.DELETE else f"is made anew{forced(step)}: it is gone for a moment"
        yield Risk(Severity.CAREFUL, here, f"{step.label} {how} ({what})")


CAUTIONS: tuple[Rule, ...] = (
    _regions,
    _version,
    _fewer,
    _hosts,
    _ways,
)
