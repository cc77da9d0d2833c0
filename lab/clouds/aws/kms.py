"""Keys and their aliases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import uuid4

from lab.clouds.aws import tokens
from lab.clouds.aws.iam import policy_problem
from lab.clouds.aws.lookup import common
from lab.clouds.aws.names import arn, refusal, region_of
from lab.clouds.kinds import Cloud, Kind, Times, register
from lab.clouds.store import Record

WINDOW = range(7, 31)
"""Days that a deleted key can still be had back."""


@register
class Key(Kind):
    """A symmetric key, unless told otherwise. Deletion is what KMS calls scheduling it: nothing uses it any more."""

    token = tokens.KEY
    times = Times(create=10, update=5, delete=2)
    replaces = frozenset({"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "region"})
    computed = ("arn", "keyId", "policy")
    defaults: ClassVar[Mapping[str, Any]] = {
        "bypassPolicyLockoutSafetyCheck": False,
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "enableKeyRotation": False,
        "isEnabled": True,
        "keyUsage": "ENCRYPT_DECRYPT",
    }
    shapes = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        days = inputs.get("deletionWindowInDays")
        if isinstance(days, int) and days not in WINDOW:
            yield "deletionWindowInDays", f"expected it to be in the range (7 - 30), got {days}"
        yield from policy_problem(inputs, "policy")

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region, id = region_of(cloud, inputs), str(uuid4())
        return id, common(cloud, inputs, region, arn=arn(cloud, "kms", region, f"key/{id}"), keyId=id)

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"tagsAll": dict(inputs.get("tags") or {})}


@register
class Alias(Kind):
    """A name of a key."""

    token = tokens.KEY_ALIAS
    times = Times(create=1, update=1, delete=1)
    replaces = frozenset({"name", "namePrefix", "region"})
    computed = ("arn", "targetKeyArn")
    shapes = False

    def check(self, cloud: Cloud, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        name = inputs.get("name")
        if isinstance(name, str) and (not name.startswith("alias/") or name.startswith("alias/aws/")):
            yield "name", 'name must begin with "alias/" and be comprised of only [a-zA-Z0-9/_-]'

    def create(self, cloud: Cloud, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        region = region_of(cloud, inputs)
        name = inputs.get("name") or f"alias/{cloud.random(16)}"
        place = arn(cloud, "kms", region, name)
        if cloud.state.get(self.token, name) is not None:
            message = f"An alias with the name {place} already exists"
            raise refusal("KMS", "CreateAlias", "AlreadyExistsException", message)
        return name, {"region": region, "name": name, "arn": place, **self._target(cloud, inputs, region)}

    def update(self, cloud: Cloud, record: Record, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return self._target(cloud, inputs, record["region"])

    def _target(self, cloud: Cloud, inputs: Mapping[str, Any], region: str) -> dict[str, Any]:
        key = find_key(cloud, inputs["targetKeyId"], region)
        if key is None:
            message = f"Key '{inputs['targetKeyId']}' does not exist"
            raise refusal("KMS", "CreateAlias", "NotFoundException", message)
        return {"targetKeyArn": key["arn"]}


def find_key(cloud: Cloud, word: str, region: str) -> Record | None:
    """A key by its id or ARN."""
    key = cloud.state.get(tokens.KEY, word) or cloud.state.one(tokens.KEY, arn=word)
    return key if key is not None and key["region"] == region else None
