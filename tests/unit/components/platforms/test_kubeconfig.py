"""Where kubeconfigs lead, and who of the other regions may go there."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.plan import plan
from components.platforms.kubeconfig import exec_kubeconfig, server
from stacks.clouds.ports import api_server_cidrs, open_ports


def test_a_contexts_api_server_by_path_and_by_text(tmp_path: Path) -> None:
    text = exec_kubeconfig("east", "192.0.2.1:6443", "Q0E=", "command")
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    assert server(text, "east") == server(str(file), "east") == "https://192.0.2.1:6443"


@pytest.mark.parametrize(
    "text", ["{}", '{"contexts": [{"name": "east", "context": {"cluster": "c"}}], "clusters": []}']
)
def test_a_context_that_leads_nowhere(text: str) -> None:
    with pytest.raises(ValueError, match="no context east that leads to a cluster"):
        server(text, "east")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no kubeconfig can be read"):
        server(str(tmp_path / "none"), "east")


def test_only_the_other_running_regions_call_an_api_server() -> None:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig", "context": "c"}
    regions = [{**common, "name": name, "context": name} for name in "abc"]
    regions[2]["state"] = "lost"
    _, federated = plan({"strategy": "coredns-federated", "regions": regions})
    assert api_server_cidrs(federated, "a") == ["10.2.128.0/17"]
    assert {port.to for port in open_ports(federated)} == {"pods"}, "no firewall rule of a VPC is before an API server"
    _, others = plan({"regions": regions})
    assert api_server_cidrs(others, "a") == []
