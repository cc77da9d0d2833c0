"""The marked part of a Corefile comes, changes and goes; everything around it stays byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network import corefile
from components.network.forward_rules import ForwardConflict, ForwardError

OWNER = "cockroachdb-multiregion/dev"
STOCK = """.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}
"""
TWO = {"b.svc.cluster.local": ["10.2.16.53"], "a.svc.cluster.local": ["10.1.16.53", "10.1.16.54"]}

ZONES = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True).map(lambda name: f"{name}.svc.cluster.local")
FORWARDS = st.dictionaries(ZONES, st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=3), max_size=4)
FOREIGN = st.sampled_from(
    [
        STOCK,
        STOCK.replace("\n", "\r\n"),
        STOCK + "\n\n",
        STOCK + "corp.example:53 {\n    forward . 192.168.0.2\n}",
        "# only a comment",
        "# BEGIN someone-else: theirs\nx.example {\n}\n# END someone-else\n" + STOCK,
        "",
    ]
)


def test_render_is_a_server_block_per_zone_in_order() -> None:
    assert (
        corefile.render(TWO)
        == """a.svc.cluster.local:53 {
    errors
    cache 30 {
        denial 9984 5
        serve_stale 1h verify
    }
    forward . 10.1.16.53 10.1.16.54 {
        max_fails 2
        health_check 1s domain a.svc.cluster.local
        policy round_robin
    }
}
b.svc.cluster.local:53 {
    errors
    cache 30 {
        denial 9984 5
        serve_stale 1h verify
    }
    forward . 10.2.16.53 {
        max_fails 2
        health_check 1s domain b.svc.cluster.local
        policy round_robin
    }
}
"""
    )


@given(FOREIGN, FORWARDS, FORWARDS)
def test_up_change_undo_leaves_the_text_as_it_was(
    text: str, first: dict[str, list[str]], second: dict[str, list[str]]
) -> None:
    once = corefile.merge(text, OWNER, first)
    again = corefile.merge(once, OWNER, second)
    assert corefile.own_text(again, OWNER) == corefile.render(second)
    assert corefile.merge(again, OWNER, second) == again
    assert corefile.remove(again, OWNER) == text


@given(FOREIGN, FORWARDS.filter(bool))
def test_the_vendors_text_may_change_meanwhile(text: str, forwards: dict[str, list[str]]) -> None:
    merged = corefile.merge(STOCK, OWNER, forwards)
    edited = merged.replace("ttl 30", "ttl 10").replace("lameduck 5s", "lameduck 9s") + text
    assert corefile.remove(edited, OWNER) == STOCK.replace("lameduck 5s", "lameduck 9s") + text
    assert corefile.own_text(corefile.merge(edited, OWNER, TWO), OWNER) == corefile.render(TWO)


def test_a_block_appended_after_an_unterminated_text_keeps_its_line() -> None:
    merged = corefile.merge("a {\n}", OWNER, TWO) + "b {\n}\n"
    assert corefile.remove(merged, OWNER) == "a {\n}\nb {\n}\n"


def test_two_owners_do_not_touch_each_other() -> None:
    both = corefile.merge(corefile.merge(STOCK, "p/one", {"x.y": ["10.0.0.1"]}), "p/one-more", {"z.y": ["10.0.0.2"]})
    assert corefile.remove(both, "p/one") == corefile.merge(STOCK, "p/one-more", {"z.y": ["10.0.0.2"]})
    assert corefile.own_text(both, "p/one") == corefile.render({"x.y": ["10.0.0.1"]})


@pytest.mark.parametrize(
    "label",
    [
        "a.svc.cluster.local",
        "a.svc.cluster.local:53",
        "A.svc.cluster.local.",
        "dns://a.svc.cluster.local",
        "x.example, a.svc.cluster.local",
        "x.example a.svc.cluster.local:53",
        "x.example,\n  a.svc.cluster.local",
        '"a.svc.cluster.local"',
    ],
)
def test_someone_elses_block_for_a_zone_is_a_conflict(label: str) -> None:
    theirs = f"# mine {{\n{label} {{\n    forward . 192.168.0.1\n}}\n"
    with pytest.raises(ForwardConflict, match=r"already has a server block for a\.svc\.cluster\.local"):
        corefile.merge(STOCK + theirs, OWNER, TWO)


@pytest.mark.parametrize(
    "theirs",
    [
        "# a.svc.cluster.local {\n",
        "a.svc.cluster.local:1053 {\n}\n",
        "tls://a.svc.cluster.local {\n}\n",
        "(a.svc.cluster.local) {\n}\n",
        "x.example {\n    hosts {\n 10.0.0.1 a.svc.cluster.local\n }\n}\n",
        "x.example {\n    forward a.svc.cluster.local 10.0.0.1\n}\n",
    ],
)
def test_what_serves_no_such_zone_on_port_53_is_no_conflict(theirs: str) -> None:
    assert corefile.remove(corefile.merge(STOCK + theirs, OWNER, TWO), OWNER) == STOCK + theirs


@pytest.mark.parametrize("change", [lambda text: text.replace("# END", "# end"), lambda text: text + text])
def test_damaged_marks_are_refused(change) -> None:
    damaged = change(corefile.merge(STOCK, OWNER, TWO))
    for act in (lambda: corefile.merge(damaged, OWNER, TWO), lambda: corefile.remove(damaged, OWNER)):
        with pytest.raises(ForwardError, match="damaged"):
            act()


def test_a_reverted_text_has_nothing_of_ours() -> None:
    assert corefile.own_text(STOCK, OWNER) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STOCK, True),
        (STOCK.replace("    reload\n", ""), False),
        (". {\n # reload\n}", False),
        (". {\n reload 10s\n}", True),
    ],
)
def test_reloads(text: str, expected: bool) -> None:
    assert corefile.reloads(text) is expected


@given(
    FORWARDS, st.sampled_from(["", "\n", "corp.example:53 {\n    forward . 192.168.0.2\n}", "# mine\nx.example {\n}\n"])
)
def test_a_whole_corefile_serves_the_cluster_the_forwards_and_other_peoples_zones(
    forwards: dict[str, list[str]], extra: str
) -> None:
    text = corefile.whole("cluster.local", forwards, extra)
    assert corefile.served_zones(text) == {"", *forwards, *corefile.served_zones(extra)}
    assert "kubernetes cluster.local in-addr.arpa ip6.arpa {" in text
    assert corefile.render(forwards) in text
    assert extra.strip() in text
    assert corefile.reloads(text)
    assert text.endswith("}\n")


@pytest.mark.parametrize("extra", [".:53 {\n}", "x.example A.svc.cluster.local. {\n}"])
def test_other_peoples_blocks_may_serve_no_zone_twice(extra: str) -> None:
    with pytest.raises(ForwardConflict, match="extraServerBlocks serve"):
        corefile.whole("cluster.local", TWO, extra)
