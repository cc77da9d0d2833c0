"""What others put into a cluster's DNS configuration: everything that would be lost is named."""

from __future__ import annotations

import json

import pytest

from components.network.cluster_dns import ConfigMap
from components.network.foreign_dns import in_corefile, in_stub_domains, served

OWNER = "cockroachdb-multiregion/dev"
HOSTS = "/etc/resolv.conf"
KUBEADM = """.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
"""


def with_plugin(text: str) -> str:
    """kubeadm's, with another line in its root block."""
    return KUBEADM.replace("    loop\n", f"    loop\n{text}\n")


@pytest.mark.parametrize(
    ("text", "upstream", "found"),
    [
        (KUBEADM, HOSTS, []),
        (KUBEADM + "corp.example:53 {\n    forward . 192.0.2.1\n}\n", HOSTS, ["corp.example"]),
        (with_plugin("    hosts {\n      1.2.3.4 x\n    }"), HOSTS, ["hosts"]),
        (KUBEADM, "192.0.2.9", ["forward . /etc/resolv.conf"]),
        (KUBEADM.replace(HOSTS, "192.0.2.9"), "192.0.2.9", []),
        ("import custom/*.server\n" + with_plugin("    import x"), HOSTS, ["import custom/*.server", "import"]),
        (KUBEADM.replace(".:53 {", ". {  # all"), "192.0.2.9", ["forward . /etc/resolv.conf"]),
        (KUBEADM.replace(".:53 {", ".:53,\nb.example\n{ hosts"), HOSTS, ["b.example", "hosts"]),
        (KUBEADM.replace(".:53 {", ".:53 tls://.:853 {"), HOSTS, ["tls://.:853"]),
    ],
)
def test_what_is_not_standard_in_a_corefile(text: str, upstream: str, found: list[str]) -> None:
    assert in_a_corefile(text, upstream) == found


@pytest.mark.parametrize(
    ("plugin", "found"),
    [
        ("    forward corp.example 10.0.0.1", ["corp.example"]),
        ("    forward Corp.Example. 10.0.0.1 {\n      prefer_udp\n    }", ["corp.example"]),
        ("    forward 10.in-addr.arpa 10.0.0.1", ["10.in-addr.arpa"]),
        ("    kubernetes other.local {\n      endpoint https://192.0.2.1\n    }", ["other.local"]),
        ("    kubernetes Cluster.local. 10.0.0.0/8 ip6.arpa", []),
        ('    template IN A x.example {\n      answer "{{ .Name }} 60 IN A 192.0.2.1"\n    }', ["template"]),
    ],
)
def test_zones_in_plugins_that_everyone_has(plugin: str, found: list[str]) -> None:
    assert in_a_corefile(with_plugin(plugin)) == found


@pytest.mark.parametrize("label", ["tls://corp.example:853", "corp.example:5353", "https://.", ".:5353"])
def test_blocks_for_other_ports_and_transports(label: str) -> None:
    block = f"{label} {{\n    forward . 192.0.2.1\n}}\n"
    assert in_a_corefile(KUBEADM + block) == [label]
    assert list(served(block)) == [label], "so that the same block in the config makes it known"


def test_what_a_block_serves() -> None:
    text = "(common) {\n  errors\n}\n. {\n  import common\n}\nA.example, dns://b.example:53 {\n  whoami\n}\n"
    assert list(served(text)) == ["a.example", "b.example"]


def test_a_corefile_without_blocks_is_no_corefile_without_entries() -> None:
    assert "hosts" in in_a_corefile(".:53\nhosts\nforward . 192.0.2.1\n")


def test_what_the_program_wrote_is_nobody_elses() -> None:
    own = f"# BEGIN {OWNER}: ours\na.cockroachdb.internal:53 {{\n    forward . 10.1.16.53\n}}\n# END {OWNER}\n"
    assert in_a_corefile(KUBEADM + own) == []
    stubs = json.dumps({"Corp.example": ["192.0.2.1"], "a.cockroachdb.internal": ["10.1.16.53"]})
    found = in_stub_domains(ConfigMap("1", {"stubDomains": stubs}, {}), ["a.cockroachdb.internal"], HOSTS)
    assert list(found) == ["corp.example"]


def test_no_config_map_has_nothing_in_it() -> None:
    assert list(in_corefile(None, OWNER, "cluster.local", HOSTS)) == []
    assert list(in_stub_domains(None, [], HOSTS)) == []
    assert list(in_stub_domains(ConfigMap("1", {"stubDomains": ""}, {}), [], HOSTS)) == []


def in_a_corefile(text: str, upstream: str = HOSTS) -> list[str]:
    return list(in_corefile(ConfigMap("1", {"Corefile": text}, {}), OWNER, "cluster.local", upstream))
