"""Every component can be offered to programs in other languages: its schema follows from its annotations."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

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


def test_the_provider_process_serves_the_schema() -> None:
    """As a language host starts it: the folder as a program, an engine's address as its argument."""
    argv = [sys.executable, "-u", str(Path(components.__file__ or "").parent), "127.0.0.1:1"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                answer = provider_pb2_grpc.ResourceProviderStub(channel).GetSchema(
                    provider_pb2.GetSchemaRequest(version=0), timeout=60, wait_for_ready=True
                )
        finally:
            process.terminate()
    schema = json.loads(answer.schema)
    assert set(schema["resources"]) == {f"cockroachdb-multiregion:index:{made.__name__}" for made in CLASSES}
    assert all(made["isComponent"] for made in schema["resources"].values())
