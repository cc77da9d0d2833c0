"""The pod template: what must be in it, and what may change it."""

import os
import re
import signal
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.database import names
from components.database.pod_template import (
    pod_template,
    stateful_set_spec,
    template_hash,
)
from components.database.start import start_script
from tests.unit.database.examples import node, region_nodes
from tests.unit.database.pod_security import violations


def hash_of(**changes: Any) -> str:
    return template_hash(pod_template(region_nodes(**changes)))


def container(name: str, **changes: Any) -> dict[str, Any]:
    spec = pod_template(region_nodes(**changes))["spec"]
    (found,) = (made for made in [*spec["initContainers"], *spec["containers"]] if made["name"] == name)
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"node": node(image="docker.io/cockroachdb/cockroach:v26.2.6")},
        {"node": node(memory="16Gi")},
        {"node": node(cpu="4")},
        {"node": node(labels={"team": "other"})},
        {"node": node(extra_flags=["--vmodule=raft=1"])},
        {"node": node(environment={"GOMAXPROCS": "2"})},
        {"node": node(pod_spec={"priorityClassName": "database"})},
        {"node": node(cache=".3")},
        {"node": node(max_offset="500ms")},
        {"node": node(cluster_name="other")},
        {"node": node(termination_grace_period_seconds=600)},
        {"zones": ()},
        {"advertise_host": "$(POD_IP)"},
        {"host_network": True},
    ],
)
def test_what_a_pod_is_changes_the_hash(changes: dict[str, Any]) -> None:
    assert hash_of(**changes) != hash_of()


@pytest.mark.parametrize(
    "changes", [{"nodes": 5}, {"node": node(storage_size="200Gi")}, {"node": node(storage_class="fast")}]
)
def test_what_leaves_running_pods_alone_does_not(changes: dict[str, Any]) -> None:
    assert hash_of(**changes) == hash_of()


labels = st.dictionaries(st.from_regex(r"[a-z]{1,8}(\.io/[a-z]{1,5})?", fullmatch=True), st.text("abc", max_size=5))


@given(labels, st.integers(1, 9), st.sampled_from(["50Gi", "1Ti"]), st.sampled_from([None, "fast"]))
def test_no_setting_reaches_an_immutable_field_but_the_claim(
    extra: dict[str, str], count: int, size: str, storage_class: str | None
) -> None:
    changes = {"labels": {**extra, "app.kubernetes.io/name": "mine"}, "storage_size": size}
    if storage_class is not None:
        changes["storage_class"] = storage_class
    usual, other = (
        stateful_set_spec(region_nodes()),
        stateful_set_spec(region_nodes(nodes=count, node=node(**changes))),
    )
    for immutable in ("selector", "serviceName", "podManagementPolicy"):
        assert other[immutable] == usual[immutable]
    # Kubernetes refuses a StatefulSet whose selector does not select its own pods.
    assert other["selector"]["matchLabels"].items() <= other["template"]["metadata"]["labels"].items()
    assert extra.items() - names.selector_labels().items() <= other["template"]["metadata"]["labels"].items()


def test_the_stateful_set_keeps_volumes_and_restarts_nobody_by_itself() -> None:
    spec = stateful_set_spec(region_nodes())
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert spec["updateStrategy"] == {"type": "OnDelete"}
    assert spec["podManagementPolicy"] == "Parallel"
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "100Gi"
    assert "storageClassName" not in claim["spec"], "the cluster's default class"
    named = stateful_set_spec(region_nodes(node=node(storage_class="fast")))["volumeClaimTemplates"][0]
    assert named["spec"]["storageClassName"] == "fast"


def test_pods_meet_the_restricted_profile_and_write_nowhere_but_volumes() -> None:
    spec = pod_template(region_nodes())["spec"]
    assert list(violations(spec)) == []
    for made in [*spec["initContainers"], *spec["containers"]]:
        assert made["securityContext"]["readOnlyRootFilesystem"]


def test_memory_is_guaranteed_and_cpu_is_not_limited() -> None:
    resources = container("cockroachdb")["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == "8Gi"
    assert "cpu" not in resources["limits"]
    environment = {entry["name"]: entry for entry in container("cockroachdb")["env"]}
    assert environment["GOMAXPROCS"]["valueFrom"]["resourceFieldRef"]["resource"] == "requests.cpu"


def test_a_slow_node_is_taken_out_of_service_and_not_killed() -> None:
    made = container("cockroachdb")
    assert "livenessProbe" not in made
    probe = made["readinessProbe"]["httpGet"]
    assert (probe["path"], probe["scheme"]) == ("/health?ready=1", "HTTPS")
    assert pod_template(region_nodes())["spec"]["terminationGracePeriodSeconds"] >= 300


def test_nodes_spread_over_zones_and_never_share_a_host() -> None:
    spec = pod_template(region_nodes())["spec"]
    (spread,) = spec["topologySpreadConstraints"]
    assert (spread["maxSkew"], spread["topologyKey"]) == (1, "topology.kubernetes.io/zone")
    (apart,) = spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart["topologyKey"] == "kubernetes.io/hostname"
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["us-east1-a", "us-east1-b", "us-east1-c"]
    assert "nodeAffinity" not in pod_template(region_nodes(zones=()))["spec"]["affinity"]


def test_only_the_zone_lookup_holds_credentials_for_the_api() -> None:
    spec = pod_template(region_nodes())["spec"]
    assert spec["automountServiceAccountToken"] is False
    mounts = {name: {mount["name"] for mount in container(name)["volumeMounts"]} for name in ("zone", "cockroachdb")}
    assert "api" in mounts["zone"]
    assert "api" not in mounts["cockroachdb"]
    assert "certs" not in mounts["zone"], "nor does it see the node's key"


def test_the_node_key_is_readable_by_its_group_only() -> None:
    spec = pod_template(region_nodes())["spec"]
    (certificates,) = (volume for volume in spec["volumes"] if volume["name"] == "certs")
    assert certificates["secret"]["defaultMode"] == 0o440
    assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"] == 1000


def start(tmp_path: Path, text: str, program_text: str) -> subprocess.Popen[str]:
    """A shell that runs the text, with the pod's paths moved under `tmp_path` and a program in cockroach's place."""
    program = tmp_path / "cockroach"
    program.write_text(f"#!/bin/sh\n{program_text}\n")
    program.chmod(0o755)
    (tmp_path / "join").write_text("a:26257,b:26257")
    (tmp_path / "zone").write_text("us-east1-b")
    text = text.replace("/cockroach/cockroach start", f"{program} start")
    text = text.replace(f"{names.JOIN_DIR}/", f"{tmp_path}/").replace(f"{names.ZONE_DIR}/", f"{tmp_path}/")
    text = text.replace(f"{names.CERTS_DIR}/..", f"{tmp_path}/..").replace("sleep 60", "sleep 0.1")
    return subprocess.Popen(
        ["/bin/sh", "-ec", text],
        env={
            **os.environ,
            "ADVERTISE_HOST": "cockroachdb-1.cockroachdb.us-east1.svc.cluster.local",
            "POD_NAME": "cockroachdb-1",
        },
        stdout=subprocess.PIPE,
        text=True,
        # As a container has it: under nohup it is ignored, and a shell can't trap what it was born ignoring.
        preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),
    )


def test_the_shell_hands_cockroach_what_the_plan_says(tmp_path: Path) -> None:
    odd = '--vmodule=it\'s a $HOME "test"'
    shell = start(tmp_path, start_script("us-east1", node(extra_flags=[odd])), 'printf "%s\\0" "$@"')
    words = shell.communicate(timeout=20)[0].removesuffix("\0").split("\0")
    assert words[0] == "start"
    assert "--advertise-addr=cockroachdb-1.cockroachdb.us-east1.svc.cluster.local:26257" in words
    assert "--join=a:26257,b:26257" in words
    assert "--locality=region=us-east1,zone=us-east1-b" in words
    assert {"--cluster-name=dev", "--max-offset=250ms", "--cache=.25", "--max-sql-memory=.25"} <= set(words)
    assert odd in words
    assert not [word for word in words if "insecure" in word]


def test_a_pod_with_an_address_of_its_own_reads_it_beside_the_join_list(tmp_path: Path) -> None:
    (tmp_path / "cockroachdb-1.address").write_text("10.1.16.101:26301")
    (tmp_path / "cockroachdb-1.http-address").write_text("10.1.16.101:28101")
    text = start_script("us-east1", node(), address_of="POD_NAME")
    words = start(tmp_path, text, 'printf "%s\\0" "$@"').communicate(timeout=20)[0].split("\0")
    assert "--advertise-addr=10.1.16.101:26301" in words
    assert "--advertise-http-addr=10.1.16.101:28101" in words


def test_on_the_hosts_network_the_console_listens_at_the_hosts_address_alone(tmp_path: Path) -> None:
    """Others have the port on the host at addresses of their own, NodeLocal DNSCache for one."""
    for host_network, address in ((True, "$POD_IP"), (False, "")):
        text = "POD_IP=10.1.0.10\n" + start_script("us-east1", node(), host_network=host_network)
        words = start(tmp_path, text, 'printf "%s\\0" "$@"').communicate(timeout=20)[0].split("\0")
        assert f"--http-addr={address.replace('$POD_IP', '10.1.0.10')}:8080" in words


def test_a_pod_without_its_address_does_not_start(tmp_path: Path) -> None:
    """It would tell the others an address at which they find nobody. Kubernetes starts it again."""
    shell = start(tmp_path, start_script("us-east1", node(), address_of="POD_NAME"), "echo started")
    assert shell.communicate(timeout=20)[0] == ""
    assert shell.returncode != 0


def test_one_node_more_with_an_address_of_its_own_restarts_nobody() -> None:
    args = {"advertise_host": None}
    assert template_hash(pod_template(region_nodes(**args))) == template_hash(
        pod_template(region_nodes(**args, nodes=4))
    )


def test_cockroach_takes_the_shells_place_and_is_told_of_new_certificates(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    (tmp_path / "..data").symlink_to("first")
    program = """
trap 'echo reload' HUP
trap 'echo drain; exit 0' TERM
echo $$
while :; do sleep 0.05; done"""
    shell = start(tmp_path, start_script("us-east1", node()), program)
    assert shell.stdout is not None
    assert int(shell.stdout.readline()) == shell.pid
    (tmp_path / "new").symlink_to("second")
    (tmp_path / "new").rename(tmp_path / "..data")
    assert shell.stdout.readline() == "reload\n"
    shell.terminate()
    assert shell.communicate(timeout=20)[0] == "drain\n", "one reload for one change"
    assert shell.returncode == 0


def test_kubernetes_leaves_the_shells_own_variables_alone() -> None:
    """Its rule: `$$` is `$`, and `$(NAME)` a variable where there is one of that name, else itself."""
    text = start_script("us-east1", node())
    command = container("cockroachdb")["command"][2]
    known = {entry["name"] for entry in container("cockroachdb")["env"]}
    expanded = re.sub(
        r"\$(\$|\(([^)]*)\))", lambda m: "$" if m[1] == "$" else ("LOST" if m[2] in known else m[0]), command
    )
    assert expanded == text


def test_pods_run_where_the_config_says() -> None:
    tolerations = [{"key": "database", "operator": "Exists"}]
    plain = pod_template(region_nodes())["spec"]
    given = {"tolerations": tolerations, "topologySpreadConstraints": []}
    placed = pod_template(region_nodes(node=node(pod_spec=given)))["spec"]
    assert placed == {**plain, **given}
    assert hash_of(node=node(pod_spec={})) == hash_of()


def test_the_environment_is_the_configs_to_change() -> None:
    given = {"GOMAXPROCS": "6", "GODEBUG": "madvdontneed=1"}
    env = container("cockroachdb", node=node(environment=given))["env"]
    values = [variable for variable in env if variable["name"] in given]
    assert values == [{"name": name, "value": value} for name, value in given.items()]
    assert {"POD_NAME", "POD_IP", "HOME"} <= {variable["name"] for variable in env}
