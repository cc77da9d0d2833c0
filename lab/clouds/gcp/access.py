"""APIs that are switched on, service accounts and their roles: nothing here moves a packet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lab.clouds.gcp import base
from lab.clouds.gcp.base import ACCOUNT, CLUSTER, IAM_MEMBER, NETWORK, SERVICE
from lab.clouds.kinds import Cloud, Kind, Refused, Times, register
from lab.clouds.store import READY, Record


@register
class Service(Kind):
    token = SERVICE
    times = Times(create=25, update=1, delete=5)
    replaces = frozenset({"service", "project"})
    computed = ("project",)
    defaults: ClassVar[Mapping[str, Any]] = {"disableOnDestroy": False}
    shapes = False

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        project = base.project(cloud, inputs)
        return f"{project}/{inputs['service']}", {"project": project}

    def delete(self, cloud: Cloud, record: Record) -> None:
        users = {"compute.googleapis.com": NETWORK, "container.googleapis.com": CLUSTER}.get(record["service"])
        if record["disableOnDestroy"] and users and cloud.state.all(users):
            raise Refused(f"Error 400: The service {record['service']} has resources in use., failedPrecondition")


@register
class ServiceAccount(Kind):
    token = ACCOUNT
    times = Times(create=8, update=4, delete=4)
    replaces = frozenset({"accountId", "project"})
    computed = ("project", "email", "member", "name", "uniqueId")
    defaults: ClassVar[Mapping[str, Any]] = {"disabled": False}
    shapes = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        account = inputs.get("accountId")
        if account is None:
            yield "accountId", "missing: it is required"
        elif isinstance(account, str) and not re.fullmatch(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])", account):
            yield (
                "accountId",
                f'"account_id" ("{account}") doesn\'t match regexp "^[a-z](?:[-a-z0-9]{{4,28}}[a-z0-9])$"',
            )

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        project = base.project(cloud, inputs)
        base.require_service(cloud, "iam.googleapis.com", project)
        email = f"{inputs['accountId']}@{project}.iam.gserviceaccount.com"
        id = f"projects/{project}/serviceAccounts/{email}"
        if cloud.state.get(self.token, id) is not None:
            raise Refused(f"Error 409: Service account {inputs['accountId']} already exists within project {id}.")
        unique = str(int(cloud.random(17), 16)).zfill(21)[:21]
        return id, {
            "project": project,
            "email": email,
            "member": f"serviceAccount:{email}",
            "name": id,
            "uniqueId": unique,
        }


@register
class ProjectMember(Kind):
    token = IAM_MEMBER
    times = Times(create=8, update=8, delete=8)
    replaces = frozenset({"member", "project", "role", "condition"})
    computed = ("etag",)
    shapes = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        role, member = inputs.get("role"), inputs.get("member")
        if isinstance(role, str) and not re.fullmatch(r"(roles|(projects|organizations)/[^/]+/roles)/[\w.]+", role):
            yield "role", f"{role!r} is no role: roles/NAME or projects/PROJECT/roles/NAME"
        if isinstance(member, str) and not re.match(
            r"(user|group|domain|serviceAccount|principal|principalSet):", member
        ):
            yield "member", f"{member!r} names no kind of member before a colon"

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        base.require_service(cloud, "cloudresourcemanager.googleapis.com", inputs["project"])
        member = inputs["member"]
        account = f"@{inputs['project']}.iam.gserviceaccount.com"
        if member.startswith("serviceAccount:") and member.endswith(account):
            found = cloud.state.one(ACCOUNT, email=member.removeprefix("serviceAccount:"))
            if found is None or found.phase != READY:
                email = member.removeprefix("serviceAccount:")
                raise Refused(f"Error 400: Service account {email} does not exist., badRequest")
        return f"{inputs['project']}/{inputs['role']}/{member}", {"etag": cloud.random(12)}
