"""The Corefile of a host's DNS cache: which servers it asks for what."""

from __future__ import annotations

import json

import pytest

from lab.addons import node_cache, node_local_dns

TEXT = """cluster.local:53 {
    forward . __PILLAR__CLUSTER__DNS__
}
.:53 {
    forward . __PILLAR__UPSTREAM__SERVERS__
}
"""
BIND = (node_local_dns.LINK_LOCAL, "10.1.32.10")


def made(config: dict[str, str]) -> str:
    return node_cache.corefile(TEXT, config, BIND, "10.1.33.7")


def test_a_clusters_own_names_come_from_its_dns_and_others_from_the_hosts() -> None:
    assert made({}) == ("cluster.local:53 {\n    forward . 10.1.33.7\n}\n.:53 {\n    forward . /etc/resolv.conf\n}\n")


def test_upstream_name_servers_answer_what_is_nobodys() -> None:
    assert "forward . 8.8.8.8 1.1.1.1\n" in made({"upstreamNameservers": json.dumps(["8.8.8.8", "1.1.1.1"])})


def test_every_stub_domain_has_a_block_that_asks_its_servers_as_it_was_asked() -> None:
    text = made({"stubDomains": json.dumps({"us-west-2.svc.cluster.local": ["10.4.240.53", "10.4.240.117:5353"]})})
    assert text == made({}) + (
        "us-west-2.svc.cluster.local:53 {\n"
        "    errors\n"
        "    cache 30\n"
        "    bind 169.254.20.10 10.1.32.10\n"
        "    forward . 10.4.240.53 10.4.240.117:5353\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("stubDomains", '["10.1.16.53"]'),
        ("stubDomains", '{"a.example": "10.1.16.53"}'),
        ("stubDomains", '{"a.example": []}'),
        ("stubDomains", '{"a.example": [10]}'),
        ("stubDomains", "{"),
        ("upstreamNameservers", '"8.8.8.8"'),
        ("upstreamNameservers", "[8]"),
    ],
)
def test_a_bad_config_map_is_refused(key: str, bad: str) -> None:
    with pytest.raises(ValueError):
        made({key: bad})


def test_dns_to_the_taken_addresses_is_kept_from_services() -> None:
    rules = node_cache.rules(BIND)
    assert rules.count("ip daddr { 169.254.20.10, 10.1.32.10 }") == 2
    assert rules.count("notrack") == 3
