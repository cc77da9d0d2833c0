"""The zone lookup, the volumes, the waits, and the shell scripts."""

import os
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import volumes
import zone
from kube import ApiError
from waiting import Deadline, DeadlineError, NotYetError, run

from tests.unit.database.conftest import SCRIPTS, Clock

LABEL = "topology.kubernetes.io/zone"


class Api:
    """Answers in turn; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.patches: list[tuple[str, Any]] = []

    def get(self, _: str, **__: str) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def patch(self, path: str, body: Any) -> Any:
        self.patches.append((path, body))
        return self.get(path)


def deadline(clock: Clock, seconds: float = 30) -> Deadline:
    return Deadline(seconds, clock.time, clock.pause)


class TestZone:
    def test_it_is_the_nodes_label(self) -> None:
        assert zone.zone_of({"metadata": {"labels": {LABEL: "b"}}}, "n", ["a", "b"]) == "b"
        assert zone.zone_of({"metadata": {"labels": {LABEL: "x"}}}, "n", []) == "x"

    @pytest.mark.parametrize(
        ("labels", "message"), [({}, "has no label"), ({LABEL: "c"}, "is in zone c; the region's config lists a, b")]
    )
    def test_what_is_wrong_is_said(self, labels: dict[str, str], message: str) -> None:
        with pytest.raises(RuntimeError, match=message):
            zone.zone_of({"metadata": {"labels": labels}}, "n", ["a", "b"])

    def test_an_api_server_that_starts_is_waited_for(self, clock: Clock) -> None:
        api = Api(ApiError(0, "refused"), ApiError(503, "starting"), {"metadata": {}})
        assert zone.look_up(api, "n", deadline(clock)) == {"metadata": {}}  # type: ignore[arg-type]

    def test_a_refusal_is_final(self, clock: Clock) -> None:
        with pytest.raises(RuntimeError, match="refuses node n: forbidden"):
            zone.look_up(Api(ApiError(403, "forbidden")), "n", deadline(clock))  # type: ignore[arg-type]
        assert clock.now == 0


def claim(size: str, storage_class: str | None = "standard") -> dict[str, Any]:
    return {"spec": {"resources": {"requests": {"storage": size}}, "storageClassName": storage_class}}


class TestVolumes:
    def grow(self, clock: Clock, api: Api, size: str, storage_class: str = "", nodes: int = 1) -> None:
        made = volumes.Volumes(api, "us-east1", "datadir-cockroachdb", deadline(clock))  # type: ignore[arg-type]
        made.grow(nodes, size, storage_class)

    @pytest.mark.parametrize("size", ["1Gi", "1024Mi", "1073741824"])
    def test_the_same_size_asks_nothing(self, size: str, clock: Clock) -> None:
        api = Api(claim("1Gi"))
        self.grow(clock, api, size, nodes=3)
        assert api.patches == []

    def test_a_larger_size_is_asked_of_every_claim(self, clock: Clock) -> None:
        api = Api(claim("1Gi"))
        self.grow(clock, api, "2Gi", nodes=3)
        asked = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
        paths = [f"/api/v1/namespaces/us-east1/persistentvolumeclaims/datadir-cockroachdb-{n}" for n in range(3)]
        assert api.patches == [(path, asked) for path in paths]

    @pytest.mark.parametrize(
        ("size", "storage_class", "message"),
        [
            ("500Mi", "", "can't shrink. Set cockroachdb.storage.size to 1Gi"),
            (
                "1Gi",
                "fast",
                "cockroachdb.storage.class back to standard, the one of all regions; to move to other disks",
            ),
        ],
    )
    def test_what_can_not_be_is_refused(self, size: str, storage_class: str, message: str, clock: Clock) -> None:
        api = Api(claim("1Gi"))
        with pytest.raises(RuntimeError, match=message):
            self.grow(clock, api, size, storage_class)
        assert api.patches == []

    def test_a_class_that_does_not_grow_is_named(self, clock: Clock) -> None:
        api = Api(claim("1Gi"), ApiError(422, "only dynamically provisioned pvc can be resized"))
        with pytest.raises(RuntimeError, match=r"StorageClass \(standard\) must allow volume expansion"):
            self.grow(clock, api, "2Gi")

    def test_a_claim_that_is_not_there_yet_is_waited_for(self, clock: Clock) -> None:
        self.grow(clock, Api(ApiError(404, "not found"), claim("1Gi")), "1Gi")
        with pytest.raises(DeadlineError, match="volume claim datadir-cockroachdb-0"):
            self.grow(clock, Api(ApiError(404, "not found")), "1Gi")

    def test_the_volumes_of_nodes_that_left_are_found_by_mark_and_number(self, clock: Clock) -> None:
        def noted(name: str, value: str | None) -> dict[str, Any]:
            annotations = {} if value is None else {volumes.LEAVES: value}
            return {"metadata": {"name": name, "uid": name[-1], "annotations": annotations}}

        listed = [
            noted("datadir-cockroachdb-1", "true"),
            noted("datadir-cockroachdb-2", "true"),
            noted("datadir-cockroachdb-3", None),
            noted("datadir-other-4", "true"),
        ]
        made = volumes.Volumes(Api({"items": listed}), "a", "datadir-cockroachdb", deadline(clock))  # type: ignore[arg-type]
        assert made.left(2) == {"datadir-cockroachdb-2": "2"}

    def test_a_volume_is_gone_when_it_is_gone(self, clock: Clock) -> None:
        answers: list[Any] = [{}, ApiError(0, "no answer"), {}, ApiError(404, "not found")]
        asked: list[Any] = []

        class Deleting(Api):
            def delete(self, path: str, body: Any) -> Any:
                asked.append((path, body["preconditions"]["uid"]))
                return self.get(path)

        made = volumes.Volumes(Deleting(*answers), "a", "datadir-cockroachdb", deadline(clock))  # type: ignore[arg-type]
        made.delete({"datadir-cockroachdb-2": "7"})
        assert asked == [("/api/v1/namespaces/a/persistentvolumeclaims/datadir-cockroachdb-2", "7")] * 4

    @pytest.mark.parametrize(
        ("quantity", "bytes_"),
        [("1", 1), ("1k", 1000), ("1Ki", 1024), ("1.5Gi", 1610612736), ("2Ti", 2**41), ("1e3", 1000), ("1E", 10**18)],
    )
    def test_quantities(self, quantity: str, bytes_: int) -> None:
        assert volumes.in_bytes(quantity) == Decimal(bytes_)

    @pytest.mark.parametrize("quantity", ["", "Gi", "1 Gi", "1gi", "-1Gi", "1KI"])
    def test_no_quantities(self, quantity: str) -> None:
        with pytest.raises(ValueError, match="no quantity"):
            volumes.in_bytes(quantity)


class TestWaiting:
    def test_it_ends_with_the_last_reason(self, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
        reasons = iter(["one"] * 4 + ["two"] * 3 + ["three"] * 100)

        def attempt() -> None:
            raise NotYetError(next(reasons))

        with pytest.raises(DeadlineError, match="gave up waiting until it is so: three"):
            deadline(clock, 10).wait("it is so", attempt)
        assert 10 <= clock.now <= 12
        said = [line.rpartition(" ")[2] for line in capsys.readouterr().out.splitlines()]
        assert said == ["one", "two", "three"], "each reason once, and not each second another"

    def test_a_closer_look_is_taken_once_a_minute(self, clock: Clock) -> None:
        looks: list[float] = []

        def attempt() -> None:
            raise NotYetError("not yet")

        def hint() -> str:
            looks.append(clock.now)
            return "the route is missing"

        with pytest.raises(DeadlineError):
            deadline(clock, 150).wait("it is so", attempt, hint)
        assert looks == [60, 120]

    def test_one_attempt_is_always_made(self, clock: Clock) -> None:
        assert deadline(clock, 0).wait("it is so", lambda: "now") == "now"

    @pytest.mark.parametrize("error", [DeadlineError("late"), RuntimeError("no"), NotYetError("busy")])
    def test_a_script_that_fails_says_so_in_one_line(
        self, error: Exception, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def main() -> None:
            raise error

        with pytest.raises(SystemExit) as caught:
            run(main)
        assert caught.value.code == 1
        assert f"FAILED: {error}\n" in capsys.readouterr().out


def shell(tmp_path: Path, script: str, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script with `program`, a shell text, in place of cockroach; its words are written to `calls`."""
    fake = tmp_path / "fake-cockroach"
    fake.write_text(f'#!/bin/sh\nprintf "%s " "$@" >>{tmp_path}/calls; echo >>{tmp_path}/calls\n{program}\n')
    fake.chmod(0o755)
    (tmp_path / "verdict").write_text(environment.pop("VERDICT", "init"))
    return subprocess.run(
        ["/bin/sh", str(SCRIPTS / script)],
        env={
            "PATH": os.environ["PATH"],
            "COCKROACH": str(fake),
            "STATE_FILE": str(tmp_path / "verdict"),
            "INIT_HOST": "cockroachdb-0.example",
            "HOST": "cockroachdb-0.example",
            "RPC_PORT": "26257",
            "CERTS_DIR": "/certs",
            "CLUSTER_NAME": "dev",
            "REGION": "us-east1",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def calls(tmp_path: Path) -> list[str]:
    file = tmp_path / "calls"
    return file.read_text().splitlines() if file.exists() else []


class TestInit:
    def test_it_initialises_one_node(self, tmp_path: Path) -> None:
        assert shell(tmp_path, "init.sh", "echo Cluster successfully initialized").returncode == 0
        assert calls(tmp_path) == ["init --certs-dir=/certs --host=cockroachdb-0.example:26257 --cluster-name=dev "]

    def test_a_cluster_that_is_there_is_left_alone(self, tmp_path: Path) -> None:
        assert shell(tmp_path, "init.sh", "exit 1", VERDICT="done").returncode == 0
        assert calls(tmp_path) == []

    def test_already_initialised_is_success(self, tmp_path: Path) -> None:
        program = "echo 'ERROR: cluster has already been initialized' >&2; exit 1"
        assert shell(tmp_path, "init.sh", program).returncode == 0

    def test_any_other_error_is_one_and_is_shown(self, tmp_path: Path) -> None:
        done = shell(tmp_path, "init.sh", "echo 'ERROR: x509: certificate signed by unknown authority' >&2; exit 1")
        assert done.returncode == 1
        assert "unknown authority" in done.stdout


STATUS = "\n".join(
    "\t".join(row)
    for row in [
        ("id", "address", "build", "locality", "is_live", "gossiped_replicas", "membership", "is_draining"),
        ("1", "a:26257", "v26.2.5", "region=us-east1,zone=us-east1-a", "true", "30", "active", "false"),
        ("2", "b:26257", "v26.2.5", "region=us-east10,zone=z", "true", "30", "active", "false"),
        ("3", "c:26257", "v26.2.5", "region=us-east1,zone=us-east1-b", "true", "30", "decommissioning", "false"),
        ("4", "d:26257", "v26.2.5", "region=us-east1,zone=us-east1-c", "false", "0", "decommissioned", "true"),
        ("5", "e:26257", "v26.2.5", "region=us-west1,zone=z", "true", "30", "active", "false"),
    ]
)


def status_program(status: str) -> str:
    return f"""case "$*" in "node status"*) cat <<'END'\n{status}\nEND\n;; esac"""


class TestDecommission:
    def test_the_regions_nodes_that_are_left_go(self, tmp_path: Path) -> None:
        done = shell(tmp_path, "decommission.sh", status_program(STATUS))
        assert done.returncode == 0, done.stderr
        connection = "--certs-dir=/certs --host=cockroachdb-0.example:26257"
        assert calls(tmp_path) == [
            f"node status --decommission --format=tsv {connection} ",
            f"node decommission 1 3 --wait=all {connection} --cluster-name=dev ",
        ], "`node status` speaks SQL and has no --cluster-name (cockroach pkg/cli/flags.go): it would refuse to run"

    def test_again_is_nothing(self, tmp_path: Path) -> None:
        done = shell(tmp_path, "decommission.sh", status_program(STATUS), REGION="us-central1")
        assert done.returncode == 0
        assert len(calls(tmp_path)) == 1

    def test_only_the_nodes_at_the_addresses_go(self, tmp_path: Path) -> None:
        done = shell(tmp_path, "decommission.sh", status_program(STATUS), ADDRESSES="c:26257,e:26257,x:26257")
        assert done.returncode == 0, done.stderr
        assert [call.split(" --")[0] for call in calls(tmp_path)[1:]] == ["node decommission 3"], "e is elsewhere"

    @pytest.mark.parametrize("program", ["echo 'ERROR: no connection' >&2; exit 1", status_program("id\tstate\n1\tok")])
    def test_an_answer_that_can_not_be_read_is_an_error(self, program: str, tmp_path: Path) -> None:
        done = shell(tmp_path, "decommission.sh", program)
        assert done.returncode != 0
        assert done.stderr
        assert len(calls(tmp_path)) == 1
