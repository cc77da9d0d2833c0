"""Every component can be offered to programs in other languages: its schema follows from its annotations."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grpc
import pytest
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

ROOT = Path(__file__).parents[3]
DECLARED = re.compile(r'"cockroachdb-multiregion:index:(\w+)"')
INTERNAL = {
    "NodeAccess": "a part of CockroachRegion",
    "NoConnection": "has nothing in it",
    "LostMeshRegion": "has nothing in it",
}
"""Components that other programs have no use for, and why."""

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
    assert schema["version"] == components.VERSION


def test_every_component_is_offered_or_named_as_internal() -> None:
    declared = {
        name
        for file in (ROOT / "components").rglob("*.py")
        for name in DECLARED.findall(file.read_text(encoding="utf-8"))
    }
    assert declared == {made.__name__ for made in CLASSES} | set(INTERNAL)


def test_the_package_has_the_projects_name_and_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["name"], project["version"]) == (components.NAME, components.VERSION)


def test_dynamic_resources_are_found_by_the_installed_packages_name() -> None:
    """A state keeps their code by its module's name, for a process that has the wheel and not this folder."""
    asked = "import runpy; found = runpy.run_path('components')['load'](); print({each.__module__ for each in found})"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(ast.literal_eval(done.stdout))
    assert {module.partition(".")[0] for module in modules} == {"cockroachdb_multiregion"}
