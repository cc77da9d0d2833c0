"""Tools are taken from PATH where they are new enough, and built again when their source changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import tools
from lab.paths import PROJECT, LabPaths
from lab.shell import LabError
from lab.tools import Tool

CLOUDS = ("pulumi-resource-gcp", "pulumi-resource-aws")
ETCD = next(tool for tool in tools.TOOLS if tool.name == "etcd")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH and a cache of the test's own; returns the folder on PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LAB_PLUGINS", raising=False)
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def program(file: Path, output: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{output}'\n")
    file.chmod(0o755)


def test_a_tool_on_path_is_used(machine: Path) -> None:
    program(machine / "etcd", "etcd Version: 3.6.1")
    assert tools.adopt(ETCD)
    assert (tools.bin_dir() / "etcd").readlink() == machine / "etcd"
    assert ETCD not in tools.missing()
    (machine / "etcd").unlink()
    assert ETCD in tools.missing()


def test_a_tool_on_path_that_is_too_old_is_not(machine: Path) -> None:
    program(machine / "etcd", "etcd Version: 3.4.30")
    assert not tools.adopt(ETCD)
    assert ETCD in tools.missing()


def test_a_change_of_the_source_asks_for_a_build(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = machine.parent / "module"
    module.mkdir()
    for name in ("go.mod", "go.sum", "main.go", "main_test.go"):
        (module / name).write_text("before")
    monkeypatch.setattr(tools, "PROJECT", machine.parent)
    tool = Tool("mine", "module", "./cmd", 1)
    monkeypatch.setattr(tools, "TOOLS", (tool,))
    program(tools.bin_dir() / "mine", "")
    (tools.cache_dir() / "stamps").mkdir()
    (tools.cache_dir() / "stamps" / "mine").write_text(tools._key(tool))
    assert tools.missing() == []
    (module / "main_test.go").write_text("after")
    assert tools.missing() == []
    (module / "main.go").write_text("after")
    assert tools.missing() == [tool]


def test_every_tool_has_a_module_and_a_time() -> None:
    for tool in tools.TOOLS:
        assert (PROJECT / tool.module / "go.mod").exists(), tool.name
        assert tool.seconds > 0


@pytest.mark.parametrize("version", ["go version go1.25.4 linux/amd64", "go version go1.9 linux/amd64"])
def test_an_old_go_is_named(machine: Path, version: str) -> None:
    program(machine / "go", version)
    problem = tools.go_problem()
    assert problem is not None and version in problem
    program(machine / "go", "go version go1.26.0 linux/amd64")
    assert tools.go_problem() is None


def test_stand_in_plugins_only_where_no_real_one_is(machine: Path) -> None:
    paths = LabPaths("mine", machine.parent / "lab")
    names = {link.name for link in tools.link_plugins(paths).iterdir()}
    assert names == {*tools.PLUGINS, *CLOUDS}
    program(machine / "pulumi-resource-tls", "")
    program(machine.parent / "home/.pulumi/plugins/resource-kubernetes-v4.34.2/x", "")
    names = {link.name for link in tools.link_plugins(paths).iterdir()}
    assert names == {"pulumi-language-python", "pulumi-resource-pulumi-python", *CLOUDS}


def test_real_plugins_asked_for_and_missing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine / "pulumi-resource-tls", "")
    monkeypatch.setenv("LAB_PLUGINS", "real")
    with pytest.raises(LabError, match=r"LAB_PLUGINS=real.*pulumi-resource-kubernetes") as failure:
        tools.link_plugins(LabPaths("mine", machine.parent / "lab"))
    assert "pulumi-resource-tls" not in str(failure.value)
