"""Who may do what: no wildcard actions, no wildcard principals, no role that may do everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..aws import kinds as aws
from ..graph import Graph, Resource
from ..topology import Topology
from .finding import Finding

DOCUMENTS = {
    "aws:iam/policy:Policy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/role:Role": "assumeRolePolicy",
    aws.KMS_KEY: "policy",
}
"""Type -> its property that holds a policy document."""
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ALMIGHTY = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
GRANTS = tuple(
    grant
    for kind in ("Member", "Binding")
    for grant in (
        f"gcp:projects/iAM{kind}:IAM{kind}",
        f"gcp:serviceaccount/iAM{kind}:IAM{kind}",
        f"gcp:dns/dnsManagedZoneIam{kind}:DnsManagedZoneIam{kind}",
    )
)
PRIMITIVE = ("roles/owner", "roles/editor")
EVERYBODY = ("allUsers", "allAuthenticatedUsers")
RBAC = tuple(f"kubernetes:rbac.authorization.k8s.io/v1:{kind}" for kind in ("Role", "ClusterRole"))


def findings(graph: Graph, _: Topology | None) -> Iterator[Finding]:
    """All of them. A document that is not known yet is looked at once it is."""
    for kind, path in DOCUMENTS.items():
        for resource in graph.of(kind):
            for statement in _statements(resource.get(path)):
                yield from _statement(resource, statement)
    for attachment in graph.of(ATTACHMENT):
        name = str(attachment.get("policyArn")).rpartition("/")[2]
        if name in ALMIGHTY:
            yield Finding(attachment, f"gives {name}; attach only what the role needs")
    for grant in graph.of(*GRANTS):
        if grant.get("role") in PRIMITIVE:
            yield Finding(grant, f"gives {grant.get('role')}; give a role for the one thing that is needed")
        if set(EVERYBODY) & {*grant.texts("member"), *grant.texts("members")}:
            yield Finding(grant, "gives a role to everybody; name the account")
    for role in graph.of(*RBAC):
        for rule in role.values("rules.*"):
            if isinstance(rule, dict) and "*" in (rule.get("verbs") or []) and "*" in (rule.get("resources") or []):
                yield Finding(role, "may do everything to everything in its cluster; name verbs and resources")


def _statements(raw: Any) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        return
    found = document.get("Statement") if isinstance(document, dict) else None
    for statement in found if isinstance(found, list) else [found]:
        if isinstance(statement, dict) and statement.get("Effect") == "Allow":
            yield statement


def _statement(resource: Resource, statement: dict[str, Any]) -> Iterator[Finding]:
    actions = _texts(statement.get("Action"))
    wide = [action for action in actions if action == "*" or action.endswith(":*")]
    # A key's own policy says `kms:*` to the account, which leaves the rest to IAM (AWS's default key policy).
    if wide and resource.type != aws.KMS_KEY:
        yield Finding(resource, f"allows {', '.join(wide)}; name the actions")
    if "NotAction" in statement:
        yield Finding(resource, "allows everything but some actions (NotAction); name the actions")
    principal = statement.get("Principal")
    named = _texts(list(principal.values()) if isinstance(principal, dict) else principal)
    if "*" in named and not statement.get("Condition"):
        yield Finding(resource, "may be used by everybody (Principal *); name who")


def _texts(raw: Any) -> list[str]:
    if isinstance(raw, list):
        return [text for item in raw for text in _texts(item)]
    return [raw] if isinstance(raw, str) else []
