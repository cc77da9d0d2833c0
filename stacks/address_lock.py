"""The address lock: the stack's own state remembers the last plan, and refuses one that moves what is in use.

A dynamic resource, whose `check` is handed the inputs that the state holds. So the refusal comes in every preview and
up, before anything that depends on the lock, with no file to keep and none to lose.
See docs/decisions/0001-address-lock.md.
"""

import json
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.plan.lock import carried, compare_completed, compare_records, record
from components.plan.model import AddressPlan, Problem, Settings

RECORD = "record"
"""The one property: `components.plan.lock.record` as JSON text, so that no null or number changes on the way."""


class AddressLockProvider(ResourceProvider):
    """Keeps one text; the work is in `check`."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse what `components.plan.lock.compare_records` refuses, a failure per problem.

        The failures name no property: the engine would print it with the value of one that this resource does not have.
        """
        previous, new = _record(_olds), _record(news)
        if new is None:
            return CheckResult(news, [])
        kept = {**news, RECORD: json.dumps(carried(previous, new))}
        return CheckResult(kept, [CheckFailure("", str(problem)) for problem in self.compare(previous, new)])

    def compare(self, previous: dict[str, Any] | None, new: dict[str, Any]) -> list[Problem]:
        """Why the record `new` is refused."""
        return compare_records(previous, new)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Always an update in place: a new record, or new code of this provider, replaces nothing."""
        return DiffResult(changes=_olds.get(RECORD) != _news.get(RECORD), replaces=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Nothing outside the state is made."""
        return CreateResult("addresses", {RECORD: props[RECORD]})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Nothing outside the state is changed."""
        return UpdateResult({RECORD: _news[RECORD]})


class AddressLock(Resource, module="multiregion", name="AddressLock"):
    """One per stack. Whatever uses a planned address depends on it, directly or through its region."""

    record: pulumi.Output[str]

    def __init__(
        self, name: str, settings: Settings, plan: AddressPlan, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(AddressLockProvider(), name, {RECORD: json.dumps(record(settings, plan))}, opts)


class CompletedProvider(AddressLockProvider):
    """The same of the last `up` that ended well: a step of a change that did not is no step to go on from."""

    def compare(self, previous: dict[str, Any] | None, new: dict[str, Any]) -> list[Problem]:
        """What needs an earlier step to have ended well; nothing where no `up` ever has."""
        return compare_completed(previous, new)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Nothing outside the state is made."""
        return CreateResult("completed", {RECORD: props[RECORD]})


class Completed(Resource, module="multiregion", name="Completed"):
    """The plan of the last `up` that ended well: it depends on everything. Its `check` refuses in the preview."""

    record: pulumi.Output[str]

    def __init__(self, name: str, settings: Settings, plan: AddressPlan, opts: pulumi.ResourceOptions) -> None:
        super().__init__(CompletedProvider(), name, {RECORD: json.dumps(record(settings, plan))}, opts)


def _record(properties: dict[str, Any]) -> dict[str, Any] | None:
    text = properties.get(RECORD)
    return json.loads(text) if isinstance(text, str) else None
