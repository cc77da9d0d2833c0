"""What others have put into a cluster's DNS configuration, looked at before anything else answers in its place.

A resource that only looks: servers that answer beside the old ones, without their entries, are declared after it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import pulumi
from pulumi import dynamic
from pulumi.runtime.rpc import UNKNOWN

from . import foreign_dns
from .cluster_dns import ClusterDns, ClusterUnreachable, connect

INPUTS = ("kubeconfig", "context", "kind", "owner", "written", "known", "domain", "upstream")


class ForeignEntriesProvider(dynamic.ResourceProvider):
    """Looks when made or changed; its deletion does nothing. Only its import path is pickled (see `dns_forwards`)."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        unknown = UNKNOWN in json.dumps({key: _news.get(key) for key in INPUTS}, default=str)
        return dynamic.DiffResult(changes=unknown or any(_olds.get(key) != _news.get(key) for key in INPUTS))

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        reached(props, refuse_losses)
        return dynamic.CreateResult(f"{props['context']}/foreign-entries", {key: props[key] for key in INPUTS})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        reached(_news, refuse_losses)
        return dynamic.UpdateResult({key: _news[key] for key in INPUTS})


class ForeignEntriesArgs(TypedDict):
    """Where to look, and what is not lost."""

    kubeconfig: pulumi.Input[str]
    """Path of a kubeconfig file, relative to the project's folder, or the text of one (with no credential in it)."""
    context: pulumi.Input[str]
    """The cluster's context in it."""
    kind: pulumi.Input[str]
    """`kube-dns` or `coredns`: which ConfigMap the old servers read."""
    owner: pulumi.Input[str]
    """For whom they are replaced: `project/stack`."""
    written: pulumi.Input[Sequence[str]]
    """Zones in `stubDomains` that the program itself wrote there."""
    known: pulumi.Input[Sequence[str]]
    """Zones that the new servers answer as the old ones did, and what of the old configuration may be lost."""
    domain: pulumi.Input[str]
    """The cluster's."""
    upstream: pulumi.Input[str]
    """Whom the new servers ask for all other names, as a Corefile says it."""


class ForeignEntries(dynamic.Resource, module="cockroachdb-multiregion", name="ForeignEntries"):
    """Other people's entries, each of which has its place in the new servers' configuration, or may be lost.

    Cannot be made where one has none. An entry that comes later is not looked for until an input changes.
    """

    def __init__(self, name: str, args: ForeignEntriesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ForeignEntriesProvider(), name, {**args}, opts)


def refuse_losses(dns: ClusterDns, props: Mapping[str, Any]) -> None:
    """Raises RuntimeError where entries of others would be lost."""
    if props["kind"] == "coredns":
        found = foreign_dns.in_corefile(dns.read("coredns"), props["owner"], props["domain"], props["upstream"])
    else:
        found = foreign_dns.in_stub_domains(dns.read("kube-dns"), props["written"], props["upstream"])
    lost = [each for each in dict.fromkeys(found) if each not in props["known"]]
    if lost:
        raise RuntimeError(
            f"the cluster's DNS has entries that would be lost with it: {'; '.join(lost)}. Put zones into"
            " `dns.extraStubDomains` or `dns.extraServerBlocks`, servers for all other names into the region's"
            " `strategyOptions.upstreamNameservers`, and what is not needed, as it is named here, into its"
            " `strategyOptions.giveUp`; nothing was switched"
        )


def reached(props: Mapping[str, Any], act: Callable[[ClusterDns, Mapping[str, Any]], Any]) -> Any:
    """What `act` gives for the cluster. Raises RuntimeError where it can't be asked."""
    try:
        return act(connect(props["kubeconfig"], props["context"]), props)
    except ClusterUnreachable as error:
        raise RuntimeError(
            f"cannot reach the cluster whose DNS is to be replaced: {error}. If the region is gone for good, give it"
            " `state: lost` in the config"
        ) from error
