"""Rules that refuse: what would lose data, the quorum or the secrecy of a running stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import kinds
from .preview import GUARD, HIDDEN, Op, Preview, Step
from .restarts import at_once, restarts, told
from .risk import ALLOWED, Risk, Rule, Severity, forced, leaves, stateful_sets, unless_lossy, where

_PROTECTED = re.compile(r'"(urn:pulumi:[^"]+)"[\s\S]*(?:is protected|marked for protection)')
_WHY_PROTECTED = {
    GUARD: "it stands before its region's data; if losing them is meant, set allowDataLoss: true and `pulumi up` first",
    kinds.AUTHORITY: "without it no node can ever join again; put back what changed it",
}


def _refusals(preview: Preview) -> Iterator[Risk]:
    """What the engine, the program's own checks or a provider refused already."""
    for message in preview.errors:
        protected = _PROTECTED.search(message)
        if protected is None:
            yield Risk(Severity.REFUSED, "", message)
            continue
        # The engine's own advice is to unprotect it: that takes away what stands before the loss, and nothing else.
        kind, _, name = protected[1].rpartition("$")[2].rpartition("::")
        why = _WHY_PROTECTED.get(
            kind.rpartition("::")[2], "it holds what cannot be made again; put back what changed it"
        )
        yield Risk(Severity.REFUSED, "", f"{kind.rpartition(':')[2]} {name} is protected and would go: {why}")


def _data(preview: Preview) -> Iterator[Risk]:
    """What holds data, or holds what does, goes or is made anew."""
    for step in preview.changed:
        if step.op not in (Op.DELETE, Op.REPLACE):
            continue
        if step.type in (kinds.STATEFUL_SET, kinds.NAMESPACE, kinds.CLAIM, kinds.VOLUME, kinds.STORAGE_CLASS):
            loss = "and nodes' data with it" if step.type != kinds.STORAGE_CLASS else "which nodes' volumes name"
        elif step.type in kinds.CLUSTERS:
            loss = "and all nodes of the region with it"
        else:
            continue
        here = where(preview, step)
        if step.op is Op.DELETE and leaves(preview, here):
            continue
        how = "deletes" if step.op is Op.DELETE else f"makes anew{forced(step)}"
        yield Risk(
            unless_lossy(preview),
            here,
            f"{how} {step.label}, {loss}; to move a region's nodes, add a region with a new name and drain this one "
            f"({ALLOWED})",
        )


def _retention(preview: Preview) -> Iterator[Risk]:
    for step, spec in stateful_sets(preview):
        policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
        if policy.get("whenDeleted") != "Retain" or policy.get("whenScaled") != "Retain":
            yield Risk(
                unless_lossy(preview),
                where(preview, step),
                f"{step.label} deletes volume claims with its pods; keep both of its retention policies at Retain "
                f"({ALLOWED})",
            )


def _encryption(preview: Preview) -> Iterator[Risk]:
    """TLS off: for nodes, or for SQL clients."""
    for step, script in _scripts(preview):
        off = re.findall(r"--(?:insecure|accept-sql-without-tls)\b(?!=false)", script)
        if off or "--certs-dir=" not in script:
            yield Risk(
                Severity.REFUSED,
                where(preview, step),
                f"{step.label} starts nodes {'with ' + off[0] if off else 'without --certs-dir'}: others would neither "
                "be verified nor encrypted; nodes talk by mutual TLS only",
            )


def _who_a_node_is(preview: Preview) -> Iterator[Risk]:
    """Flags that a node keeps for life."""
    for step, script in _scripts(preview):
        if step.op is not Op.UPDATE or step.old is None:
            continue
        before = _script(step.old.inputs["spec"])
        for flag, harm in (
            ("locality", "replicas would be placed as if the region had moved; add a region with a new name instead"),
            ("store", "nodes would start on another store, as new ones, and leave their data behind; put it back"),
        ):
            was, now = (re.findall(rf"--{flag}=\S*", text.replace('"', "")) for text in (before, script))
            if was != now:
                yield Risk(
                    Severity.REFUSED, where(preview, step), f"{told(f'--{flag}', _said(was), _said(now))}: {harm}"
                )


def _by_themselves(preview: Preview) -> Iterator[Risk]:
    for step, spec in stateful_sets(preview):
        if (spec.get("updateStrategy") or {}).get("type") != "OnDelete":
            yield Risk(
                Severity.REFUSED,
                where(preview, step),
                f"{step.label} would restart its pods by itself, in several regions at a time; keep updateStrategy "
                "OnDelete, and let the rollouts restart pods in turn",
            )


def _two_at_once(preview: Preview) -> Iterator[Risk]:
    for one, other in at_once(preview, restarts(preview)):
        yield Risk(
            Severity.REFUSED,
            kinds.EVERYWHERE,
            f"pods of {one} and {other} would restart at the same time, which can take the quorum away; each region's "
            "Rollout has to depend on the one before it",
        )


def _init(preview: Preview) -> Iterator[Risk]:
    """A second `cockroach init` makes a second cluster, if it meets a node without a store."""
    ran = any(step.old for step in preview.steps if preview.parent_type(step) == kinds.ROLLOUT)
    for step in preview.changed:
        if step.type != kinds.JOB or preview.parent_type(step) != kinds.INIT or step.op is Op.DELETE or not ran:
            continue
        status = (step.old.outputs.get("status") or {}) if step.old else {}
        if step.op is Op.UPDATE or status.get("succeeded") or step.old is None:
            yield Risk(
                Severity.REFUSED,
                kinds.EVERYWHERE,
                f"{step.label} would run `cockroach init` again on a cluster that is initialised; what was done stays "
                "done, so put back what changed it",
            )


def _authority(preview: Preview) -> Iterator[Risk]:
    """Nodes that trust different authorities don't talk to each other."""
    authorities = [step for step in preview.of(kinds.AUTHORITY) if step.now.inputs.get("isCaCertificate")]
    before = {step.urn for step in authorities if step.old is not None}
    stays = {step.urn for step in authorities if step.old is not None and step.op in (None, Op.UPDATE)}
    if before and not stays:
        yield Risk(
            Severity.REFUSED,
            kinds.EVERYWHERE,
            f"{authorities[0].label} goes before another authority is trusted everywhere: nodes with new certificates "
            "and those with old ones would refuse each other; trust both first, then sign with the new one, then drop "
            "the old one",
        )


def _plain_secrets(preview: Preview) -> Iterator[Risk]:
    for step in preview.steps:
        if step.new is None:
            continue
        data = step.new.inputs.get("data") if step.type == kinds.SECRET else None
        shown = isinstance(data, dict) and any(value != HIDDEN for value in data.values())
        if shown or "PRIVATE KEY-----" in str((step.new.inputs, step.new.outputs)):
            yield Risk(
                Severity.REFUSED,
                where(preview, step),
                f"{step.label} holds a secret in plain text, in the state and in this preview; make it a "
                "pulumi.Output.secret, or set it with `pulumi config set --secret`",
            )


def _guards(preview: Preview) -> Iterator[Risk]:
    """A guard that opens lets a destroy pass."""
    names = kinds.regions(preview)
    for step in preview.of(GUARD):
        here = kinds.region_of(step, names)
        opened = step.old is not None and step.old.protect and not (step.new and step.new.protect)
        if opened and kinds.states(preview.after).get(here) == "active":
            yield Risk(
                unless_lossy(preview),
                here,
                f"the region's guard opens: a destroy would then take its data ({ALLOWED}; set it back to false after)",
            )


def _scripts(preview: Preview) -> Iterator[tuple[Step, str]]:
    for step, spec in stateful_sets(preview):
        yield step, _script(spec)


def _script(spec: Any) -> str:
    containers = spec.get("template", {}).get("spec", {}).get("containers", [])
    return next((each["command"][-1] for each in containers if each.get("name") == "cockroachdb"), "")


def _said(words: list[str]) -> str | None:
    return ", ".join(words) or None


REFUSALS: tuple[Rule, ...] = (
    _refusals,
    _data,
    _retention,
    _encryption,
    _who_a_node_is,
    _by_themselves,
    _two_at_once,
    _init,
    _authority,
    _plain_secrets,
    _guards,
)
