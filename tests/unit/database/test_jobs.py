"""The Jobs: when each runs, under whom, and what it holds."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.database import names
from components.database.databases import Databases, DatabasesArgs
from components.database.decommission import Decommission
from components.database.init import ClusterInit
from components.database.pod_template import pod_template, template_hash
from components.database.restore import RestoredDatabase
from components.database.rollout import Rollout, RolloutArgs, rollout_key
from tests.unit.database.examples import host, node, region_nodes
from tests.unit.database.pod_security import violations
from tests.unit.recording import Recording, Registered, record

LICENSE = "crl-0-secret-license"


def rollout_args(**changes: Any) -> RolloutArgs:
    nodes = region_nodes(**{key: value for key, value in changes.items() if key in ("node", "nodes")})
    return {
        "region": "us-east1",
        "namespace": "us-east1",
        "nodes": nodes.nodes,
        "node": nodes.node,
        "template_hash": template_hash(pod_template(nodes)),
        "strategy": "stub-domains",
        "draining_nodes": changes.get("draining_nodes", 0),
    }


def databases_args(**changes: Any) -> DatabasesArgs:
    args: Any = {
        "namespace": "us-east1",
        "host": host("us-east1", 0),
        "node": node(),
        "databases": [
            {
                "name": "bank",
                "owner": "app",
                "users": ["reporting"],
                "primary_region": "us-east1",
                "regions": ["us-east1", "us-central1", "us-west1"],
                "survive": "region",
            }
        ],
        "cluster_settings": {"kv.rangefeed.enabled": "true"},
        "known_regions": ["us-east1", "us-central1", "us-west1"],
        **changes,
    }
    return args


def init(**changes: Any) -> ClusterInit:
    return ClusterInit("init", {"namespace": "us-east1", "host": host("us-east1", 0), "node": node(**changes)})


def decommission(**changes: Any) -> Decommission:
    return Decommission(
        "us-west1",
        {"namespace": "us-east1", "host": host("us-east1", 0), "node": node(**changes), "region": "us-west1"},
    )


def rollout(**changes: Any) -> Rollout:
    return Rollout("us-east1", rollout_args(node=node(**changes)))


def databases(**changes: Any) -> Databases:
    return Databases("databases", databases_args(node=node(**changes)))


def licensed(**changes: Any) -> Databases:
    return Databases("databases", databases_args(node=node(**changes), license=pulumi.Output.secret(LICENSE)))


def restored(**changes: Any) -> RestoredDatabase:
    return RestoredDatabase(
        "restore",
        {
            "namespace": "us-east1",
            "host": host("us-east1", 0),
            "node": node(**changes),
            "database": "bank",
            "uri": "gs://bank/backups?AUTH=implicit",
        },
    )


EVERY = [init, rollout, restored, databases, licensed, decommission]


def run(program: Callable[[], Any], preview: bool = False) -> Recording:
    def declare() -> None:
        program()

    return record(declare, preview=preview)


def job(recording: Recording) -> Registered:
    """The one Job, or the one beside the license's."""
    (found,) = (made for made in recording.of(":Job") if not made.name.endswith("license"))
    return found


@pytest.mark.parametrize("program", EVERY)
def test_a_preview_shows_the_same_graph(program: Callable[[], Any]) -> None:
    assert run(program, preview=True).graph() == run(program).graph()


@pytest.mark.parametrize("program", EVERY)
def test_pods_of_jobs_meet_the_restricted_profile_and_end(program: Callable[[], Any]) -> None:
    jobs = run(program).of(":Job")
    assert jobs
    for made in jobs:
        spec = made.inputs["spec"]
        assert list(violations(spec["template"]["spec"])) == []
        assert spec["activeDeadlineSeconds"] > 0
        assert spec["template"]["spec"]["restartPolicy"] == "Never"
        assert not names.selector_labels().items() <= spec["template"]["metadata"]["labels"].items(), (
            "a Job's pod would count as a node"
        )


@pytest.mark.parametrize("program", EVERY)
def test_the_cockroach_program_has_room_to_start(program: Callable[[], Any]) -> None:
    for made in run(program).of(":Job"):
        for container in made.inputs["spec"]["template"]["spec"]["containers"]:
            if "cockroach" in container["image"]:
                assert container["resources"]["limits"]["memory"] == "512Mi", container["name"]


@pytest.mark.parametrize("program", EVERY)
def test_each_kind_of_job_has_an_account_of_its_own(program: Callable[[], Any]) -> None:
    recording = run(program)
    (account,) = recording.of(":ServiceAccount")
    assert recording.of(":Job")
    for made in recording.of(":Job"):
        assert made.inputs["spec"]["template"]["spec"]["serviceAccountName"] == account.inputs["metadata"]["name"]
        assert account.urn in recording.reaches(made.urn)


@pytest.mark.parametrize("program", [init, restored, databases, decommission])
@pytest.mark.parametrize("changes", [{"image": "other:v26.2.6"}, {"labels": {"new": "label"}}, {"memory": "16Gi"}])
def test_an_upgrade_does_not_run_again_what_was_done(program: Callable[..., Any], changes: dict[str, Any]) -> None:
    before, after = job(run(program)), job(run(lambda: program(**changes)))
    assert (before.urn, before.inputs["metadata"]) == (after.urn, after.inputs["metadata"])
    assert after.ignore_changes == ("spec",)


def test_a_rollout_runs_once_for_each_template_size_and_number() -> None:
    same = rollout_key(rollout_args())
    assert rollout_key(rollout_args(node=node(tools_image="python:4"))) != same, "the zone lookup is part of the pod"
    keys = {
        rollout_key(rollout_args(**changes))
        for changes in (
            {},
            {"nodes": 5},
            {"node": node(image="other:v26.2.6")},
            {"node": node(labels={"new": "label"})},
            {"node": node(storage_size="200Gi")},
            {"node": node(storage_class="fast")},
            {"draining_nodes": 1},
        )
    }
    assert len(keys) == 7
    assert rollout_key(rollout_args(draining_nodes=0)) == same
    made = job(run(rollout))
    assert made.inputs["metadata"]["name"] == f"cockroachdb-rollout-{same}"
    assert made.name.endswith(same), "another URN: the new Job runs before the old one goes"


def test_a_rollout_may_touch_pods_and_claims_of_its_namespace_only() -> None:
    recording = run(rollout)
    (role,) = recording.of(":Role")
    assert role.inputs["metadata"]["namespace"] == "us-east1"
    allowed = {
        (resource, verb) for rule in role.inputs["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    assert ("pods", "delete") in allowed
    assert not {(resource, verb) for resource, verb in allowed if verb in ("create", "update", "deletecollection", "*")}
    assert ("secrets", "get") not in allowed
    assert not recording.of(":ClusterRole")


@pytest.mark.parametrize(
    ("program", "holds"), [(init, True), (restored, True), (databases, True), (decommission, True), (rollout, False)]
)
def test_roots_key_is_where_it_is_needed(program: Callable[[], Any], holds: bool) -> None:
    spec = job(run(program)).inputs["spec"]["template"]["spec"]
    mounted = [
        volume for volume in spec["volumes"] if volume.get("secret", {}).get("secretName") == "cockroachdb-client-root"
    ]
    assert bool(mounted) is holds
    for container in spec.get("initContainers", []):
        assert "client" not in {mount["name"] for mount in container["volumeMounts"]}, "the preflight needs no login"


@pytest.mark.parametrize("program", [init, rollout])
def test_who_only_verifies_certificates_gets_no_node_key(program: Callable[[], Any]) -> None:
    volumes = job(run(program)).inputs["spec"]["template"]["spec"]["volumes"]
    (secret,) = (v["secret"] for v in volumes if v.get("secret", {}).get("secretName") == "cockroachdb-node")
    assert [item["key"] for item in secret["items"]] == ["ca.crt"]


def test_sql_runs_once_for_each_text() -> None:
    one, same, other = (
        job(run(lambda args=args: Databases("databases", args)))
        for args in (
            databases_args(),
            databases_args(node=node(image="other:v26.2.6")),
            databases_args(cluster_settings={"kv.rangefeed.enabled": "false"}),
        )
    )
    assert one.urn == same.urn
    assert one.urn != other.urn
    assert one.inputs["metadata"]["name"] != other.inputs["metadata"]["name"]


def test_the_license_is_a_secret_and_a_new_one_makes_its_job_anew() -> None:
    recording = run(licensed)
    for made in recording.resources:
        for text in made.plain_texts():
            assert LICENSE not in text
    made = recording.named(":Job", "databases-license")
    assert made.ignore_changes == ()
    (renewed,) = (
        found
        for found in run(lambda: Databases("databases", databases_args(license=pulumi.Output.secret("other")))).of(
            ":Job"
        )
        if found.name == "databases-license"
    )
    assert made.inputs["spec"]["template"] != renewed.inputs["spec"]["template"]
    assert made.urn in recording.reaches(job(recording).urn), "the license comes first"
