"""Roles and policies. IAM is the account's, in no region."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from lab.clouds import quotas
from lab.clouds.aws import tokens
from lab.clouds.aws.names import moment, refusal
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import Record, State

MANAGED = "arn:aws:iam::aws:policy/"

MANAGED_POLICIES = frozenset(
    {
        "AmazonEBSCSIDriverPolicyV2",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEC2ContainerRegistryReadOnly",
        "AmazonEKSClusterPolicy",
        "AmazonEKSServicePolicy",
        "AmazonEKSVPCResourceController",
        "AmazonEKSWorkerNodeMinimalPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
        "AmazonSSMManagedInstanceCore",
        "CloudWatchAgentServerPolicy",
        "service-role/AmazonEBSCSIDriverEKSClusterScopedPolicy",
        "service-role/AmazonEBSCSIDriverPolicy",
    }
)
"""Those of Amazon's policies that have to do with clusters."""

ATTACHMENTS = 10
"""Default quota of managed policies per role."""


def iam(action: str, code: str, message: str) -> Refused:
    return refusal("IAM", action, code, message)


def policy_problem(inputs: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """The provider's word on a policy that is no JSON object."""
    text = inputs.get(name)
    if isinstance(text, str):
        try:
            document = json.loads(text)
        except ValueError as error:
            yield name, f'"{name}" contains an invalid JSON policy: {error}'
            return
        if not isinstance(document, dict):
            yield name, f'"{name}" contains an invalid JSON policy: contains an invalid JSON: not an object'


def statements(text: str) -> Iterator[Mapping[str, Any]]:
    found = json.loads(text).get("Statement", [])
    yield from found if isinstance(found, list) else [found]


def trusts(role: Record | None, service: str) -> bool:
    """Whether a role may be assumed by a service, such as `eks.amazonaws.com`."""
    return role is not None and any(
        statement.get("Effect") == "Allow" and service in _listed((statement.get("Principal") or {}).get("Service"))
        for statement in statements(role["assumeRolePolicy"])
    )


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def find_role(state: State, place: str) -> Record | None:
    """A role by its ARN."""
    return state.one(tokens.ROLE, arn=place)


def attached(state: State, role: Record) -> set[str]:
    """ARNs of the managed policies of a role."""
    links = state.all(tokens.ROLE_POLICY_ATTACHMENT)
    found = {link["policyArn"] for link in links if link["role"] in (role.id, role["arn"])}
    return {*found, *(role["managedPolicyArns"] or ())}


@register
class Role(Kind):
    """Who something in the cloud acts as."""

    token = tokens.ROLE
    times = Times(create=1, update=1, delete=1)
    auto_name = "name"
    auto_name_length = 64
    replaces = frozenset({"name", "namePrefix", "path"})
    computed = ("arn", "createDate", "uniqueId")
    defaults: ClassVar[Mapping[str, Any]] = {"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"}
    shapes = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return policy_problem(inputs, "assumeRolePolicy")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        self._refuse_trust(inputs)
        name = inputs["name"]
        if quotas.full("aws.roles", len(cloud.state.all(self.token))):
            message = f"Cannot exceed quota for RolesPerAccount: {quotas.limit('aws.roles')}"
            raise iam("CreateRole", "LimitExceeded", message)
        if cloud.state.get(self.token, name) is not None:
            message = f"Role with name {name} already exists."
            raise iam("CreateRole", "EntityAlreadyExists", message)
        return name, {
            "arn": f"arn:aws:iam::{cloud.account}:role{inputs['path']}{name}",
            "createDate": moment(),
            "tagsAll": dict(inputs.get("tags") or {}),
            "uniqueId": f"AROA{cloud.random(17).upper()}",
        }

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self._refuse_trust(inputs)
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def delete(self, cloud: Cloud, record: Record) -> None:
        if record["forceDetachPolicies"]:
            return
        links = cloud.state.all(tokens.ROLE_POLICY_ATTACHMENT)
        if any(link["role"] in (record.id, record["arn"]) for link in links):
            raise iam("DeleteRole", "DeleteConflict", "Cannot delete entity, must detach all policies first.")
        if cloud.state.find(tokens.ROLE_POLICY, role=record.id):
            raise iam("DeleteRole", "DeleteConflict", "Cannot delete entity, must delete policies first.")

    def _refuse_trust(self, inputs: Mapping[str, Any]) -> None:
        for statement in statements(inputs["assumeRolePolicy"]):
            if "Principal" not in statement:
                message = "AssumeRolepolicy contained an invalid principal: missing."
                raise iam("CreateRole", "MalformedPolicyDocument", message)
            if "Resource" in statement:
                message = "Has prohibited field Resource"
                raise iam("CreateRole", "MalformedPolicyDocument", message)


def the_role(cloud: Cloud, action: str, name: str) -> Record:
    """A role by its name. Raises Refused."""
    role = cloud.state.get(tokens.ROLE, name)
    if role is None:
        raise iam(action, "NoSuchEntity", f"The role with name {name} cannot be found.")
    return role


@register
class RolePolicyAttachment(Kind):
    """A managed policy, Amazon's or the account's own, of a role."""

    token = tokens.ROLE_POLICY_ATTACHMENT
    times = Times(create=1, delete=1)
    replaces = frozenset({"policyArn", "role"})
    shapes = False

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        role, place = the_role(cloud, "AttachRolePolicy", inputs["role"]), inputs["policyArn"]
        amazons = place.startswith(MANAGED) and place.removeprefix(MANAGED) in MANAGED_POLICIES
        if not amazons and cloud.state.one(tokens.POLICY, arn=place) is None:
            message = f"Policy {place} does not exist or is not attachable."
            raise iam("AttachRolePolicy", "NoSuchEntity", message)
        if len(attached(cloud.state, role) | {place}) > ATTACHMENTS:
            message = f"Cannot exceed quota for PoliciesPerRole: {ATTACHMENTS}"
            raise iam("AttachRolePolicy", "LimitExceeded", message)
        return f"{role.id}-{int(cloud.random(20), 16):026d}"[: len(role.id) + 27], {}


@register
class RolePolicy(Kind):
    """A policy inside of a role."""

    token = tokens.ROLE_POLICY
    times = Times(create=1, update=1, delete=1)
    auto_name = "name"
    auto_name_length = 128
    replaces = frozenset({"name", "namePrefix", "role"})
    shapes = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return policy_problem(inputs, "policy")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        role = the_role(cloud, "PutRolePolicy", inputs["role"])
        refuse_principal("PutRolePolicy", inputs["policy"])
        return f"{role.id}:{inputs['name']}", {}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        refuse_principal("PutRolePolicy", inputs["policy"])
        return {}


def refuse_principal(action: str, text: str) -> None:
    """Raises Refused where a policy of an identity names one."""
    if any("Principal" in statement for statement in statements(text)):
        message = "Policy document should not specify a principal."
        raise iam(action, "MalformedPolicyDocument", message)


@register
class Policy(Kind):
    """A managed policy of the account's own."""

    token = tokens.POLICY
    times = Times(create=1, update=1, delete=1)
    auto_name = "name"
    auto_name_length = 128
    replaces = frozenset({"description", "name", "namePrefix", "path"})
    computed = ("arn", "attachmentCount", "policyId")
    defaults: ClassVar[Mapping[str, Any]] = {"path": "/"}
    shapes = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return policy_problem(inputs, "policy")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        refuse_principal("CreatePolicy", inputs["policy"])
        place = f"arn:aws:iam::{cloud.account}:policy{inputs['path']}{inputs['name']}"
        if cloud.state.get(self.token, place) is not None:
            message = f"A policy called {inputs['name']} already exists. Duplicate names are not allowed."
            raise iam("CreatePolicy", "EntityAlreadyExists", message)
        return place, {
            "arn": place,
            "attachmentCount": 0,
            "policyId": f"ANPA{cloud.random(17).upper()}",
            "tagsAll": dict(inputs.get("tags") or {}),
        }

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        refuse_principal("CreatePolicyVersion", inputs["policy"])
        return {"tagsAll": dict(inputs.get("tags") or {})}

    def delete(self, cloud: Cloud, record: Record) -> None:
        if cloud.state.find(tokens.ROLE_POLICY_ATTACHMENT, policyArn=record.id):
            raise iam("DeletePolicy", "DeleteConflict", "Cannot delete a policy attached to entities.")
