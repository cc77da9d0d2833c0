"""The wheel: it has all that the components read, imports without this folder, and serves somebody else's program."""

import ast
import json
from pathlib import Path

import pytest

from components import __main__ as components
from lab.paths import PROJECT
from tests.conformance.environment import engine_environment, plugin_path
from tests.conformance.stack import Stack
from tests.engine.installed import Installed, installed
from tests.engine.snippets import shown

pytestmark = pytest.mark.engine

CLOUDS = ("gcp", "aws")
OFFERED = "from cockroachdb_multiregion.__main__ import load; print([each.__name__ for each in load()])"
FILES = """
import cockroachdb_multiregion
from pathlib import Path

folder = Path(cockroachdb_multiregion.__file__).parent
print(sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"))
"""

MORE = """
import pulumi_kubernetes as k8s
from cockroachdb_multiregion.network.dns_load_balancer import DnsLoadBalancer

kubernetes = k8s.Provider("kubernetes", kubeconfig="nowhere/kubeconfig", context="us-east1")
dns = DnsLoadBalancer("dns", {"addresses": ["10.1.16.53"]}, pulumi.ResourceOptions(providers=[kubernetes]))
pulumi.export("dns", dns.addresses)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed(tmp_path_factory.mktemp("wheel"))


def test_it_has_every_file_of_the_components(wheel: Installed) -> None:
    source = PROJECT / "components"
    kept = {str(file.relative_to(source)) for file in source.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert set(ast.literal_eval(wheel.run(FILES))) == kept


def test_somebody_elses_program_previews_with_it(wheel: Installed, tmp_path: Path) -> None:
    environment = engine_environment(plugin_path(tmp_path / "lab"), tmp_path / "home")
    stack = Stack(tmp_path / "project", environment)
    stack.init()
    options = json.dumps({"name": "python", "options": {"virtualenv": str(wheel.folder)}})
    (stack.folder / "Pulumi.yaml").write_text(f"name: somebodys\nruntime: {options}\n")
    assert stack.pulumi("stack", "init", "somebodys").code == 0
    steps = stack.preview(shown("python") + MORE).steps
    assert set(steps.values()) == {"create"}
    assert {"ca-key", "ca-certificate", "us-east1-node-certificate", "dns-service"} <= set(steps)


@pytest.mark.long
def test_clouds_are_extras(wheel: Installed) -> None:
    """Last: it adds to the environment."""
    every = {made.__name__ for made in components.load()}
    of_clouds = {made.__name__ for made in components.load() if _cloud(made.__module__)}
    assert set(ast.literal_eval(wheel.run(OFFERED))) == every - of_clouds
    wheel.install(*CLOUDS)
    assert set(ast.literal_eval(wheel.run(OFFERED))) == every


def _cloud(module: str) -> bool:
    """Whether a component's module imports a cloud's SDK: those are the ones in folders and files of the clouds."""
    words = module.split(".")
    return bool({"gcp", "aws", "vpn", "gke", "eks", "google", "route53"} & set(words))
