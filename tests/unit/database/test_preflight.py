"""Whether to initialise: never where any node belongs to a cluster, never while a join target can't be reached."""

from collections.abc import Callable
from pathlib import Path

import preflight
import pytest
from waiting import DeadlineError, NotYetError

from tests.unit.database.conftest import Authority, FakeNode, NodeMaker


@pytest.fixture
def three(nodes: NodeMaker) -> list[FakeNode]:
    return nodes(3)


@pytest.fixture
def look(three: list[FakeNode], authority: Authority) -> Callable[[], str]:
    join = [(node.host, node.port) for node in three]
    return lambda: preflight.look(join, join[0], {}, three[0].port, authority.ca_file)


def test_all_waiting_means_initialise(look: Callable[[], str]) -> None:
    assert look() == preflight.INIT


def test_the_target_in_a_cluster_means_done(look: Callable[[], str], three: list[FakeNode]) -> None:
    three[0].ready()
    assert look() == preflight.DONE
    three[0].draining()
    assert look() == preflight.DONE, "a member that is just not ready is a member"


@pytest.mark.parametrize("member", [1, 2])
def test_another_node_in_a_cluster_means_wait(member: int, look: Callable[[], str], three: list[FakeNode]) -> None:
    three[member].ready()
    with pytest.raises(NotYetError, match=rf"{three[member].host}:\d+ belongs to a cluster already"):
        look()


def test_every_node_that_cannot_be_reached_is_named(three: list[FakeNode], authority: Authority) -> None:
    join = [(three[0].host, three[0].port), ("one.invalid", 26257), ("two.invalid", 26257)]
    with pytest.raises(
        NotYetError, match=r"^DNS: the name does not resolve \(.*\): one\.invalid, two\.invalid \(does this"
    ):
        preflight.look(join, join[0], {}, three[0].port, authority.ca_file)


def test_the_verdict_is_written(
    three: list[FakeNode], authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(three, authority, tmp_path, monkeypatch)
    assert (tmp_path / "verdict").read_text() == "init"


def test_no_verdict_after_the_deadline(
    three: list[FakeNode], authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three[1].ready()
    with pytest.raises(DeadlineError, match="belongs to a cluster already"):
        run(three, authority, tmp_path, monkeypatch)
    assert not (tmp_path / "verdict").exists()


def test_a_target_that_nobody_joins_through_is_refused(
    three: list[FakeNode], authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INIT_HOST", "127.0.0.9")
    with pytest.raises(RuntimeError, match="not in the join list"):
        run(three, authority, tmp_path, monkeypatch, init_host="127.0.0.9")


def test_a_target_that_is_found_through_a_load_balancer_is_looked_at_too(
    three: list[FakeNode], authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever node the load balancer led to, it is the target's own word that counts."""
    monkeypatch.setenv("JOIN_HOST", three[0].host)
    three[2].ready()
    run(three[:2], authority, tmp_path, monkeypatch, init_host=three[2].host)
    assert (tmp_path / "verdict").read_text() == "done"


def test_a_load_balancer_that_nobody_joins_through_is_refused() -> None:
    join = [("10.1.16.27", 26257)]
    assert preflight.target(join, "node-0", None, "10.1.16.27") == ("node-0", 26257)
    assert preflight.target(join, "10.1.16.27", None, "10.1.16.27") == join[0]
    with pytest.raises(RuntimeError, match=r"10\.9\.16\.27 is not in the join list"):
        preflight.target(join, "node-0", None, "10.9.16.27")


def test_nodes_that_share_an_address_are_told_apart_by_their_ports() -> None:
    join = [("10.1.16.28", 26300), ("10.1.16.28", 26301)]
    assert preflight.target(join, "10.1.16.28", 26301, "10.1.16.28") == join[1]
    with pytest.raises(RuntimeError, match=r"10\.1\.16\.28 is not in the join list"):
        preflight.target(join, "10.1.16.28", 26302, "10.1.16.28")


def test_http_is_asked_where_a_join_target_has_it(three: list[FakeNode], authority: Authority) -> None:
    """Wrong ports for all but those that are listed."""
    join = [(node.host, node.port) for node in three]
    http = {entry: entry[1] for entry in join}
    assert preflight.look(join, join[0], http, 1, authority.ca_file) == preflight.INIT
    with pytest.raises(NotYetError, match=rf"{three[2].host}"):
        preflight.look(join, join[0], {entry: http[entry] for entry in join[:2]}, 1, authority.ca_file)


def run(
    three: list[FakeNode],
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    init_host: str | None = None,
) -> None:
    (tmp_path / "join").write_text(",".join(f"{node.host}:{node.port}" for node in three))
    for key, value in {
        "JOIN_FILE": str(tmp_path / "join"),
        "STATE_FILE": str(tmp_path / "verdict"),
        "INIT_HOST": init_host or three[0].host,
        "HTTP_PORT": str(three[0].port),
        "CA_FILE": authority.ca_file,
        "DEADLINE_SECONDS": "0",
    }.items():
        monkeypatch.setenv(key, value)
    preflight.main()


@pytest.mark.parametrize(
    ("text", "found"),
    [("a:1", [("a", 1)]), ("a:1,b:2\n", [("a", 1), ("b", 2)]), ("[fd00::1]:26257", [("[fd00::1]", 26257)])],
)
def test_join_lists(text: str, found: list[tuple[str, int]]) -> None:
    assert preflight.targets(text) == found


@pytest.mark.parametrize("text", ["", "a", "a:1,,b:2", "a:port"])
def test_a_join_list_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"join list|invalid literal"):
        preflight.targets(text)
