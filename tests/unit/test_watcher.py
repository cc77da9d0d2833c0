"""What a watcher's attempts say of a fault."""

from __future__ import annotations

from tests.lab.watcher import Attempt, figures, is_steady


def attempts(*failed: tuple[float, float]) -> list[Attempt]:
    """Ten seconds of them, failing in these spans."""
    moments = [n / 10 for n in range(100)]
    return [Attempt(at, "refused" if any(a <= at < b for a, b in failed) else "ok") for at in moments]


def test_nothing_failed() -> None:
    assert figures(attempts(), 1.0) == {"outage": 0, "recovered": 0}
    assert figures(attempts(), 1.0, 4.0) == {"outage": 0, "recovered": 0, "lasted": 3}


def test_what_heals_by_itself_is_counted_from_the_fault() -> None:
    assert figures(attempts((2, 3), (5, 6)), 1.0) == {"outage": 2, "recovered": 4.9}


def test_what_is_healed_is_counted_from_there() -> None:
    assert figures(attempts((2, 4.5)), 1.0, 4.0) == {"outage": 2, "recovered": 0.4, "lasted": 3}
    assert figures(attempts((2, 3.5)), 1.0, 4.0) == {"outage": 1.5, "recovered": 0, "lasted": 3}


def test_what_failed_before_is_not_the_faults() -> None:
    assert figures(attempts((0, 0.5)), 1.0) == {"outage": 0, "recovered": 0}


def test_steady_is_a_second_without_a_failure_from_now_on() -> None:
    assert is_steady(attempts((0, 8)), 8.5)
    assert not is_steady(attempts((0, 8)), 9.5)
    assert not is_steady(attempts((9.3, 9.4)), 0.0)
    assert not is_steady(attempts()[:5], 0.0)
