"""The committed schema and its page are those of the components as they are."""

import json

import pytest

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
