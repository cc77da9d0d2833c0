"""A strategy is one package: nothing else says its name, and a folder that is put there is a strategy."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.plan import defaults
from components.plan.model import DnsKind
from components.strategies import AVAILABLE

ROOT = Path(__file__).parents[3]
CODE = ("components", "stacks", "verify", "policy", "lab", "bench")

OTHER_MEANINGS = {str(kind) for kind in DnsKind}
"""`cloud-dns` is what a cluster answers names with, too."""

PLAN = """
from ...plan.balancers import PODS
from ...plan.defaults import SQL_PORT
from ..base import Port, Protocols
from ..common import PodNames, first_nodes


class HostsFilePlan(PodNames):
    name = "hosts-file"

    def refuses(self, settings):
        return iter(())

    def join_addresses(self, settings):
        return first_nodes(self, settings)

    def stack_options(self, reader):
        return reader.take("path")

    def ports(self):
        return (Port("sql", Protocols.TCP, SQL_PORT, (PODS,)),)


STRATEGY = HostsFilePlan()
"""

RESOURCES = """
import pulumi

from ..connection import Connection


class HostsFile(Connection):
    def __init__(self, name, opts):
        super().__init__("cockroachdb-multiregion:index:HostsFile", name, {}, opts)
        self.addresses = pulumi.Output.from_input([])
        self.register_outputs({})


def connect_region(site, offers, opts):
    return HostsFile(f"{site.region.name}-hosts-file", opts)
"""

PROGRAM = """
import components.platforms
from components.plan import plan
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.unit.recording import record
from tests.unit.stacks.test_multiregion import config, given

components.platforms.server = lambda kubeconfig, context: f"https://{context}.example:6443"
settings, addresses = plan(config(strategy="hosts-file", strategyOptions={"path": "/etc/hosts.d/cockroachdb"}))
assert settings.strategy_options == "/etc/hosts.d/cockroachdb"
recording = record(lambda: outputs(multi_region(settings, addresses, None)), given)
print(*(made.name for made in recording.of(":HostsFile")))
"""


def words_in(path: Path) -> Iterator[tuple[str, int]]:
    """Texts of a module that are a strategy's word, and their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in AVAILABLE:
            yield node.value, node.lineno


def test_no_strategy_is_called_by_its_name_elsewhere() -> None:
    packages = ROOT / "components" / "strategies"
    said = {
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for folder in CODE
        for path in (ROOT / folder).rglob("*.py")
        if path.parent == packages or packages not in path.parents
        for word, line in words_in(path)
        if word not in OTHER_MEANINGS
    }
    (default,) = said
    assert default.startswith("components/plan/defaults.py:")
    assert default.endswith(f": {defaults.STRATEGY}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a stack is made of, and one folder more."""
    for folder in ("components", "stacks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    package = tmp_path / "components" / "strategies" / "hosts_file"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "plan.py").write_text(PLAN, encoding="utf-8")
    (package / "resources.py").write_text(RESOURCES, encoding="utf-8")
    return tmp_path


def test_a_folder_that_is_put_there_is_a_strategy(project: Path) -> None:
    code = f"import sys; sys.path[:0] = [{str(project)!r}, {str(ROOT)!r}]\n{PROGRAM}"
    ran = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [f"{name}-hosts-file" for name in ("us-central1", "us-east1", "us-west1")]
