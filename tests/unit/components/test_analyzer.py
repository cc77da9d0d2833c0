"""Every component can be offered to programs in other languages: its schema follows from its annotations."""

import importlib
from pathlib import Path

import pytest
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition

components = importlib.import_module("components.__main__")
CLASSES = components.load()
RESULT = Analyzer("cockroachdb-multiregion").analyze(CLASSES)


@pytest.mark.parametrize("component", CLASSES, ids=lambda component: component.__name__)
def test_every_input_and_output_is_described(component: type) -> None:
    definition = RESULT["component_definitions"][component.__name__]
    assert definition.description
    properties: dict[str, PropertyDefinition] = {**definition.inputs, **definition.outputs}
    assert [name for name, found in properties.items() if not found.description] == []


def test_every_type_is_described() -> None:
    for name, definition in RESULT["type_definitions"].items():
        assert definition.description, name
        assert [key for key, found in definition.properties.items() if not found.description] == [], name


def test_type_tokens_are_what_a_component_provider_constructs() -> None:
    for component in CLASSES:
        token = f"cockroachdb-multiregion:index:{component.__name__}"
        source = importlib.import_module(component.__module__).__file__
        assert source
        assert f'"{token}"' in Path(source).read_text(encoding="utf-8")
