"""The ConfigMap `kube-dns` means to the lab's dnsmasq what it means to kube-dns's."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.addons.dnsmasq_nanny import servers
from lab.addons.kube_dns_config import read


def test_stub_domains_become_servers() -> None:
    config = {"stubDomains": '{"us-east1.svc.cluster.local": ["10.1.16.53", "10.1.16.54:5353"]}'}
    assert servers(config) == [
        "--server=/us-east1.svc.cluster.local/10.1.16.53",
        "--server=/us-east1.svc.cluster.local/10.1.16.54#5353",
    ]


def test_upstream_servers_replace_the_hosts() -> None:
    assert servers({"upstreamNameservers": '["10.0.0.53"]'}) == ["--no-resolv", "--server=10.0.0.53"]


@pytest.mark.parametrize("config", [{}, {"stubDomains": ""}, {"stubDomains": "{}"}, {"other": "x"}])
def test_an_empty_config_asks_for_nothing(config: dict[str, str]) -> None:
    assert servers(config) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "10.0.0.1"}', '{"a": []}'])
def test_what_kube_dns_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        servers({"stubDomains": text})


def test_the_kubelets_own_files_are_no_config(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "stubDomains").write_text("{}")
    assert read(tmp_path) == {"stubDomains": "{}"}
    assert read(tmp_path / "absent") == {}
