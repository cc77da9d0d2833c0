"""Strategy `host-network`: a host dies for good, and the one-command repair."""

from __future__ import annotations

import pytest

from tests.lab.stack import Json, identity, in_a_lab, is_ready, members, wait_until
from tests.lab.test_strategies import NAMES, config

GONE = "beta"

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def hosts_down(verdict: Json) -> list[tuple[str, str]]:
    """(Region, host) of what `verify` says to repair."""
    return [(found["target"], found["subject"]) for found in verdict["findings"] if found["code"] == "host-down"]


def test_another_host_takes_over_with_one_up() -> None:
    """The region's config names a host that is dead; without it, `up` moves its node to the next one listed."""
    with in_a_lab("host-replaced", config("host-network"), hosts=2) as stack:
        stack.up()
        before = members(stack.verify())
        others = {name: identity(stack.pods(name)) for name in NAMES if name != GONE}
        (pod,) = stack.pods(GONE).values()
        dead = pod["spec"]["nodeName"]
        assert dead == f"{GONE}-host-0", "the first one listed"

        stack.lab.run("fault", "drop-node", dead)
        # Until the control plane knows that the host is dead, it sends probes there too.
        wait_until(180, "verify names the host", lambda: (GONE, dead) in hosts_down(stack.verify()))

        raw = stack.config()
        for entry in raw["regions"]:
            if entry["name"] == GONE:
                del entry["strategyOptions"]["hosts"][dead]
        stack.configure(raw)
        # The cluster's own DNS had a pod on that host too, which waits there: `up` calls that degraded, and no more.
        stack.up(check=False)
        verdict = stack.verify()
        assert {found["code"] for found in verdict["findings"]} <= {"dns-replica"}, verdict["findings"]

        (moved,) = stack.pods(GONE).values()
        assert is_ready(moved)
        assert moved["spec"]["nodeName"] == f"{GONE}-host-1"
        after = members(verdict)
        assert set(after.values()) == set(before.values()), "the same node with its data, and none beside it"
        assert "10.2.0.11:26257" in after
        assert {name: identity(stack.pods(name)) for name in others} == others, "nobody else restarts"
        stack.lab.run("fault", "restore", dead)
        stack.until_green(90)
