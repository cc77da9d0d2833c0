"""What a region registers, and what a change in the world changes of it."""

import base64
from typing import Any

import pytest

from components.database import names
from components.database.region import CockroachRegion
from tests.unit.database.examples import NODE_KEY, REGIONS, ROOT_KEY, VERIFIER_KEY, node, region_args
from tests.unit.recording import Recording, record


def run(preview: bool = False, **changes: Any) -> Recording:
    return record(lambda: {"hash": CockroachRegion("us-east1", region_args(**changes)).template_hash}, preview=preview)


def differing(one: Recording, other: Recording) -> set[str]:
    """Kubernetes names of the objects whose inputs differ. Fails where an object appears, goes, or is renamed."""
    before, after = ({made.urn: made for made in recording.resources} for recording in (one, other))
    assert before.keys() == after.keys()
    return {after[urn].inputs["metadata"]["name"] for urn in before if before[urn].inputs != after[urn].inputs}


def test_a_preview_shows_the_same_graph() -> None:
    assert run(preview=True).graph() == run().graph()


def test_a_new_region_restarts_nobody_and_renames_nothing() -> None:
    here, grown = run(), run(regions=(*REGIONS, "europe-west1"))
    assert differing(here, grown) == {
        "cockroachdb-join",
        "cockroachdb-database",
        "cockroachdb-egress",
        "cockroachdb-probes",
    }
    assert here.result["hash"] == grown.result["hash"]


@pytest.mark.parametrize(
    "changed",
    [
        node(image="docker.io/cockroachdb/cockroach:v26.2.6"),
        node(memory="16Gi", cpu="4"),
        node(labels={"team": "storage", "cost": "42"}),
        node(storage_size="200Gi"),
    ],
)
def test_an_upgrade_a_label_or_a_limit_changes_the_stateful_set_in_place(changed: Any) -> None:
    one, other = (
        recording.named(":StatefulSet", "us-east1-nodes").inputs["spec"] for recording in (run(), run(node=changed))
    )
    ignored = {"volumeClaimTemplates", "selector", "serviceName", "podManagementPolicy"}
    assert one != other
    assert {key for key in one if one[key] != other[key]} <= {"template", "volumeClaimTemplates"}
    made = run().named(":StatefulSet", "us-east1-nodes")
    assert {path.removeprefix("spec.") for path in made.ignore_changes} == ignored, "else Kubernetes would replace it"


def test_no_key_is_in_the_clear_and_each_secret_holds_one() -> None:
    recording = run()

    keys = {secret: base64.b64encode(secret.encode()).decode() for secret in (NODE_KEY, ROOT_KEY, VERIFIER_KEY)}
    for made in recording.resources:
        for text in made.plain_texts():
            assert not [key for pair in keys.items() for key in pair if key in text], made.urn
    held = {made.inputs["metadata"]["name"]: set(made.inputs["data"]) for made in recording.of(":Secret")}
    assert held == {
        "cockroachdb-node": {"ca.crt", "node.crt", "node.key"},
        "cockroachdb-client-root": {"ca.crt", "client.root.crt", "client.root.key"},
        "cockroachdb-client-verifier": {"ca.crt", "client.verifier.crt", "client.verifier.key"},
    }


def test_roots_certificate_is_only_where_it_is_given() -> None:
    verifier = {"verifier": region_args()["client_certificates"]["verifier"]}
    held = {made.inputs["metadata"]["name"] for made in run(client_certificates=verifier).of(":Secret")}
    assert held == {"cockroachdb-node", "cockroachdb-client-verifier"}


def test_what_the_pods_mount_is_there_before_them() -> None:
    recording = run()
    waits_for = recording.reaches(recording.named(":StatefulSet", "us-east1-nodes").urn)
    for kind in (":Namespace", ":Secret", ":ConfigMap", ":ServiceAccount", ":ClusterRoleBinding"):
        assert recording.of(kind), kind
        for made in recording.of(kind):
            assert made.urn in waits_for, made.urn


def test_nothing_waits_for_pods_that_are_ready_only_after_init() -> None:
    recording = run()
    assert recording.of(":Service")
    assert recording.of(":StatefulSet")
    for made in [*recording.of(":Service"), *recording.of(":StatefulSet")]:
        assert made.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true", made.urn


def test_the_users_annotations_reach_the_sql_balancer_only() -> None:
    recording = run(load_balancer_annotations={"example.com/internal": "yes"})
    marked = [
        made.inputs["metadata"]["name"]
        for made in recording.of(":Service")
        if "example.com/internal" in made.inputs["metadata"]["annotations"]
    ]
    assert marked == [names.SQL_SERVICE]


def test_cluster_wide_objects_carry_the_namespace_in_their_names() -> None:
    wide = [
        made.inputs["metadata"]["name"]
        for made in run().resources
        if made.type.startswith("kubernetes:") and "namespace" not in made.inputs["metadata"]
    ]
    assert len(wide) > 1
    assert [name for name in wide if "us-east1" not in name] == []


def test_no_pod_is_deleted_or_protected_by_an_option_here() -> None:
    assert not [made for made in run().resources if made.protect]


def test_the_scripts_in_the_config_map_are_the_files() -> None:
    data = run().named(":ConfigMap", "us-east1-scripts").inputs["data"]
    assert {"zone.py", "preflight.py", "rollout.py", "init.sh", "decommission.sh"} <= data.keys()
    assert "__init__.py" not in data
    assert len("".join(data.values())) < 900_000, "a ConfigMap holds 1 MiB"


def test_the_hosts_network_needs_a_namespace_that_allows_it() -> None:
    label = "pod-security.kubernetes.io/enforce"
    for host_network, profile in ((False, "restricted"), (True, "privileged")):
        made = run(host_network=host_network).named(":Namespace", "us-east1-namespace")
        assert made.inputs["metadata"]["labels"][label] == profile


def test_a_node_with_a_balancer_of_its_own_has_it_and_its_address_first() -> None:
    balancers = [{"pod": "cockroachdb-0", "address": "10.1.16.100", "health_check_node_port": 30600}]
    address = {"host": "10.1.16.100", "port": 26300, "http_port": 28100}
    recording = run(node_balancers=balancers, addresses={"cockroachdb-0": address})
    service = recording.named(":Service", "us-east1-cockroachdb-0")
    assert service.inputs["spec"]["loadBalancerIP"] == "10.1.16.100"
    assert service.inputs["spec"]["healthCheckNodePort"] == 30600
    join = recording.named(":ConfigMap", "us-east1-join")
    assert join.inputs["data"]["cockroachdb-0.address"] == "10.1.16.100:26300"
    assert join.inputs["data"]["cockroachdb-0.http-address"] == "10.1.16.100:28100"
    assert {service.urn, join.urn} <= recording.named(":StatefulSet", "us-east1-nodes").dependencies
