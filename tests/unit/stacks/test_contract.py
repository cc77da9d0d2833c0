"""The contract with app teams: the program keeps it, its page says it, and no version of it changes its word."""

import copy
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pulumi
import pytest

from components.plan import plan
from lab.paths import PROJECT
from stacks.contract import OUTPUTS, VERSION, breaks, closed, promised
from stacks.contract.__main__ import VERSIONS, main, recorded
from stacks.contract.page import page
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.lab.strategies import stack_options
from tests.unit.recording import record
from tests.unit.stacks import test_clouds, test_multiregion

Json = dict[str, Any]

EXISTING = {
    strategy: test_multiregion.config(strategy=strategy, strategyOptions=stack_options(strategy))
    for strategy in test_multiregion.AVAILABLE
    if test_multiregion.takes_existing(strategy)
}
LEAVING = test_multiregion.config(
    {"us-central1": "draining", "us-west1": "lost"}, (*test_multiregion.NAMES, "europe-west4")
)


@pytest.fixture(autouse=True)
def kubeconfigs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they say is read from files that are not here."""
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")


def given(args: Any) -> Json:
    """Certificates as the real provider gives them: PEM."""
    answer = dict(test_clouds.given(args))
    return {
        key: f"-----BEGIN CERTIFICATE-----\n{value}" if key in ("certPem", "certificate") else value
        for key, value in answer.items()
    }


def told(raw: Json) -> tuple[Json, dict[str, bool]]:
    """The outputs of a stack, and whether each is a secret."""
    settings, addresses = plan(raw)
    secret: dict[str, bool] = {}

    def program() -> Any:
        made = outputs(multi_region(settings, addresses, None))
        marks = {name: pulumi.Output.from_input(value).is_secret() for name, value in made.items()}
        return pulumi.Output.all(made, marks)

    values, marks = record(program, given).result
    return values, secret | marks


@pytest.mark.parametrize(
    "raw",
    [*EXISTING.values(), LEAVING, test_clouds.raw("eks")],
    ids=[*EXISTING, "leaving", "eks"],
)
def test_the_program_gives_what_is_promised_and_nothing_else(raw: Json) -> None:
    values, secret = told(raw)
    assert set(values) == set(promised())
    for name, output in promised().items():
        jsonschema.Draft202012Validator(closed(output["schema"])).validate(values[name])
        assert secret[name] == output["secret"], name
    assert values["contractVersion"] == VERSION


def test_the_version_has_promised_what_it_promises_now() -> None:
    """After an addition: `python -m stacks.contract record`. After anything else: another VERSION."""
    assert breaks(recorded(), promised()) == []
    assert recorded() == promised()


def test_every_version_is_on_record() -> None:
    assert sorted(int(file.stem) for file in VERSIONS.glob("*.json")) == list(range(1, VERSION + 1))
    for version in range(1, VERSION + 1):
        for output in recorded(version).values():
            jsonschema.Draft202012Validator.check_schema(output["schema"])


def test_the_page_is_made_of_the_contract() -> None:
    """`python -m stacks.contract page > docs/outputs.md`"""
    assert (PROJECT / "docs" / "outputs.md").read_text(encoding="utf-8") == page()


def field_of(contract: Json, *path: str) -> Json:
    for step in path:
        contract = contract[step]
    return contract


REGION = ("topology", "schema", "properties", "regions", "items")


def renamed(contract: Json) -> None:
    contract["sqlAddresses"] = contract.pop("sqlEndpoints")


def removed(contract: Json) -> None:
    del contract["dnsAddresses"]


def no_secret_any_more(contract: Json) -> None:
    contract["clientCertificates"]["secret"] = False


def another_meaning(contract: Json) -> None:
    contract["regions"]["meaning"] = "active regions"


def another_shape(contract: Json) -> None:
    contract["dnsAddresses"]["schema"]["additionalProperties"] = {"type": "string"}


def an_inner_field_removed(contract: Json) -> None:
    del field_of(contract, *REGION, "properties")["sqlAddress"]


def an_inner_field_that_may_be_missing(contract: Json) -> None:
    field_of(contract, *REGION)["required"].remove("podCidr")


def an_inner_field_of_another_shape(contract: Json) -> None:
    field_of(contract, *REGION, "properties", "zones")["items"] = {"type": "integer"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (renamed, "sqlEndpoints: is gone"),
        (removed, "dnsAddresses: is gone"),
        (no_secret_any_more, "clientCertificates: secret was True, is False"),
        (another_meaning, "regions: meaning was"),
        (another_shape, "dnsAddresses: was"),
        (an_inner_field_removed, "topology.regions[].sqlAddress: is gone"),
        (an_inner_field_that_may_be_missing, "topology.regions[].podCidr: may be missing"),
        (an_inner_field_of_another_shape, "topology.regions[].zones[]: was"),
    ],
)
def test_what_needs_another_version(change: Callable[[Json], None], named: str) -> None:
    after = copy.deepcopy(promised())
    change(after)
    (found,) = breaks(promised(), after)
    assert found.startswith(named)


def test_what_is_added_needs_none() -> None:
    after = copy.deepcopy(promised())
    after["more"] = {"secret": False, "meaning": "more", "schema": {"type": "string"}}
    field_of(after, *REGION, "properties")["more"] = {"type": "string"}
    field_of(after, *REGION)["required"].append("more")
    assert breaks(promised(), after) == []
    assert breaks(after, promised()) != []


def test_a_broken_promise_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.setattr("stacks.contract.__main__.VERSIONS", tmp_path)
    file = tmp_path / f"{VERSION}.json"
    old = copy.deepcopy(promised())
    old["more"] = copy.deepcopy(old["regions"])
    file.write_text(json.dumps(old))
    assert main(["record", "--reworded"]) == 1
    assert "more: is gone" in capsys.readouterr().err
    assert json.loads(file.read_text()) == old

    del old["more"]
    old["regions"]["meaning"] = "worded otherwise"
    file.write_text(json.dumps(old))
    assert main(["record"]) == 1
    assert main(["record", "--reworded"]) == 0
    assert json.loads(file.read_text()) == promised()


def test_names_are_used_once() -> None:
    assert len({output.name for output in OUTPUTS}) == len(OUTPUTS)
