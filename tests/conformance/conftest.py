"""Fixtures: the plugins under test, one API server for all tests, a stack and a namespace for each.

`LAB_PLUGINS=real` tries the real plugins and language host of PATH or the Pulumi home, and fails where one is missing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import cluster as clusters
from tests.conformance import environment
from tests.conformance.cluster import Cluster
from tests.conformance.stack import Stack

COUNTER = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here runs the real engine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def plugin_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH with the tools and the stand-ins for whatever real plugin is not installed; builds what is missing."""
    return environment.plugin_path(tmp_path_factory.mktemp("lab"), *environment.CONTROL_PLANE)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, plugin_path: str) -> Iterator[Cluster]:
    assert plugin_path
    started = clusters.start(tmp_path_factory.mktemp("cluster"))
    yield started
    started.stop()


@pytest.fixture
def bare_stack(tmp_path: Path, plugin_path: str) -> Stack:
    """A stack whose programs use no cluster."""
    stack = Stack(tmp_path / "project", environment.engine_environment(plugin_path, Path.home() / ".pulumi"))
    stack.init()
    return stack


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    word = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    name = f"{word}-{next(COUNTER)}"
    cluster.kubectl("create", "namespace", name)
    return name


@pytest.fixture
def stack(bare_stack: Stack, cluster: Cluster, namespace: str) -> Stack:
    """A stack whose programs have `here` (a provider), `NS` (the test's namespace) and `opts`."""
    bare_stack.header = f"""
        import json
        import pulumi
        import pulumi_kubernetes as k8s

        KUBECONFIG, NS = {str(cluster.kubeconfig)!r}, {namespace!r}

        def provider(name="here", **options):
            defaults = {{"kubeconfig": KUBECONFIG, "context": "conformance", "cluster_identifier": "conformance"}}
            return k8s.Provider(name, **{{**defaults, **options}})

        def on(provider, **options):
            return pulumi.ResourceOptions(provider=provider, **options)
        """
    return bare_stack
