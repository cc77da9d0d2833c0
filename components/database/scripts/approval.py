"""Decides which certificate a pod may have: nothing here asks, writes or signs anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import signing_request
from waiting import NotYetError

USAGES = frozenset({"digital signature", "server auth", "client auth"})
"""A node is its peers' server and client."""
SUBJECT = {(signing_request.ORGANIZATION, "Cockroach"), (signing_request.COMMON_NAME, "node")}

_EXTRA = "authentication.kubernetes.io/"
"""Prefix of what the API server notes of a pod's own token: which pod it is bound to."""

Object = Mapping[str, Any]


class RefusedError(Exception):
    """This request is never signed; the message says why."""


@dataclass(frozen=True)
class Policy:
    """Whose requests are signed, and what they may name."""

    signer: str
    """`spec.signerName`."""
    namespace: str
    account: str
    """Name of the nodes' ServiceAccount."""
    stateful_set: str
    dns_names: frozenset[str]
    addresses: frozenset[str]
    """Addresses that every node of the region may have beside its own: loopback, load balancers."""


@dataclass(frozen=True)
class Leaf:
    """What is signed."""

    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]


def policy(signer: str, namespace: str, account: str, stateful_set: str, names: Sequence[str]) -> Policy:
    """From the region's list of names and addresses."""
    dns_names, addresses = split(names)
    return Policy(signer, namespace, account, stateful_set, frozenset(dns_names), frozenset(addresses))


def split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """(DNS names, addresses) of a list of both."""
    addresses = [name for name in names if _is_address(name)]
    return [name for name in names if name not in addresses], addresses


def pod_of(csr: Object, wanted: Policy) -> tuple[str, str]:
    """(Name, uid) of the pod that asks, by the API server's word. Raises RefusedError where it isn't a node."""
    spec = csr["spec"]
    if spec.get("signerName") != wanted.signer:
        raise RefusedError(f"signerName is {spec.get('signerName')}, not {wanted.signer}")
    account = f"system:serviceaccount:{wanted.namespace}:{wanted.account}"
    if spec.get("username") != account:
        raise RefusedError(f"asked by {spec.get('username')}, not by {account}")
    extra = spec.get("extra") or {}
    names, uids = (extra.get(f"{_EXTRA}{key}") or [] for key in ("pod-name", "pod-uid"))
    if len(names) != 1 or len(uids) != 1:
        raise RefusedError("the token that asked is bound to no pod")
    return names[0], uids[0]


def judge(csr: Object, pod: Object | None, stateful_set: Object | None, text: str, wanted: Policy) -> Leaf:
    """What to sign. `text`: the request, PEM.

    Raises RefusedError; NotYetError where the API server doesn't know the pod's address yet.
    """
    name, uid = pod_of(csr, wanted)
    if set(csr["spec"].get("usages") or []) != USAGES:
        raise RefusedError(f"usages are not exactly {', '.join(sorted(USAGES))}")
    _live_node(pod, stateful_set, name, uid, wanted)
    try:
        asked = signing_request.read(text)
    except (ValueError, IndexError) as error:
        raise RefusedError(f"the request can't be read: {error}") from error
    _modest(asked, wanted)
    own = (pod or {}).get("status", {}).get("podIP")
    if not own:
        raise NotYetError(f"pod {name} has no address yet")
    others = sorted(set(asked.addresses) - wanted.addresses)
    if others != [own]:
        raise RefusedError(f"asks for address {', '.join(others) or 'none'}; pod {name} has {own}")
    return Leaf(tuple(dict.fromkeys(asked.dns_names)), tuple(dict.fromkeys(asked.addresses)))


def _live_node(pod: Object | None, stateful_set: Object | None, name: str, uid: str, wanted: Policy) -> None:
    if pod is None or pod["metadata"]["uid"] != uid:
        raise RefusedError(f"pod {name} with uid {uid} does not exist")
    if pod["metadata"].get("namespace") != wanted.namespace:
        raise RefusedError(f"pod {name} is not in namespace {wanted.namespace}")
    if pod["metadata"].get("deletionTimestamp") or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        raise RefusedError(f"pod {name} has ended, or is about to")
    if stateful_set is None or stateful_set["metadata"]["name"] != wanted.stateful_set:
        raise RefusedError(f"there is no StatefulSet {wanted.stateful_set}")
    owners = pod["metadata"].get("ownerReferences") or []
    if not any(
        owner.get("controller")
        and owner.get("apiVersion", "").startswith("apps/")
        and (owner.get("kind"), owner.get("name")) == ("StatefulSet", wanted.stateful_set)
        and owner.get("uid") == stateful_set["metadata"]["uid"]
        for owner in owners
    ):
        raise RefusedError(f"pod {name} is not one of StatefulSet {wanted.stateful_set}")


def _modest(asked: signing_request.Request, wanted: Policy) -> None:
    """Everything but the pod's own address."""
    if len(asked.subject) != len(SUBJECT) or set(asked.subject) != SUBJECT:
        raise RefusedError("the subject is not O=Cockroach, CN=node")
    if asked.key != signing_request.EC_P256:
        raise RefusedError("the key is not of curve P-256")
    if asked.others:
        raise RefusedError(f"asks for more than names: {', '.join(asked.others)}")
    foreign = sorted(set(asked.dns_names) - wanted.dns_names)
    if foreign:
        raise RefusedError(f"asks for the names {', '.join(foreign)}, which are not this region's")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
