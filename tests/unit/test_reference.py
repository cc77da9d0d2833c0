"""The committed schema and its page are those of the components as they are."""

import json

import pytest
import yaml

from lab.paths import PROJECT
from reference import page, schema
from reference.__main__ import modules

FOUND = schema.schema()


def test_the_committed_schema_is_the_components() -> None:
    """A change of it is a change for programs in other languages: `make reference`, and say so in CHANGELOG.md."""
    assert json.loads(schema.FILE.read_text(encoding="utf-8")) == FOUND
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(FOUND)


def test_the_page_is_made_from_the_schema() -> None:
    text = page.FILE.read_text(encoding="utf-8")
    assert text == page.page(text, FOUND, modules())


def test_every_component_is_on_the_page() -> None:
    text = page.FILE.read_text(encoding="utf-8")
    for name in modules():
        assert f"\n### {name}\n" in text


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ({"type": "string"}, "text"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, "list of list of integer"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "map of boolean"),
        ({"$ref": "#/types/p:index:KeyPairArgs"}, "[KeyPairArgs](#keypairargs)"),
        ({"$ref": "pulumi.json#/Any"}, "anything"),
    ],
)
def test_types_are_shown_in_words(kind: dict[str, object], shown: str) -> None:
    assert page.type_words(kind) == shown


def test_properties_are_called_as_the_schema_calls_them() -> None:
    names = page.camel_names(FOUND)
    assert page.prose("see `dns_addresses`, `CockroachRegion.template_hash`, `my_own`", names) == (
        "see `dnsAddresses`, `CockroachRegion.templateHash`, `my_own`"
    )


def test_the_yaml_example_gives_what_the_schema_asks() -> None:
    """The engine's own check of it is in the lab (tests/lab/test_yaml_example.py), which is long."""
    example = yaml.safe_load((PROJECT / "examples" / "yaml" / "Pulumi.yaml").read_text(encoding="utf-8"))
    for made in example["resources"].values():
        package, _, name = made["type"].partition(":")
        asked = FOUND["resources"][f"{package}:index:{name}"]
        assert set(asked["requiredInputs"]) <= set(made["properties"]) <= set(asked["inputProperties"])
    known = {f"{example['name']}:{key}": "default" not in each for key, each in example["config"].items()}
    needed = {key for key, needs in known.items() if needs}
    for file in (PROJECT / "examples" / "yaml").glob("Pulumi.*.yaml"):
        given = yaml.safe_load(file.read_text(encoding="utf-8"))["config"]
        assert needed <= {key for key in given if not key.startswith("kubernetes:")} <= set(known)
