"""`host-network`: a node is its host's address, from the config or at run time."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest

from components.plan import ConfigError, plan
from components.strategies import strategy
from components.strategies.base import CertificateSource
from tests.unit.stacks.test_multiregion import run

WORD = "host-network"
NAMES = "abc"


def hosts(place: int, count: int = 3) -> dict[str, Any]:
    return {"strategyOptions": {"hosts": {f"host-{n}": f"10.{place}.0.{10 + n}" for n in range(count)}}}


def config(*regions: dict[str, Any]) -> dict[str, Any]:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig"}
    listed = [
        {"name": name, "context": name, **common, **more}
        for name, more in zip(NAMES, (*regions, {}, {}, {}), strict=False)
    ]
    return {"strategy": WORD, "regions": listed}


LISTED = (hosts(1, 4), hosts(2), hosts(3))


def test_the_first_hosts_carry_nodes_and_all_are_in_certificates() -> None:
    _, addresses = plan(config(*LISTED))
    first = addresses.regions[0]
    assert first.hosts == {"host-0": "10.1.0.10", "host-1": "10.1.0.11", "host-2": "10.1.0.12"}
    assert [node.address for node in first.nodes] == [None] * 3, "the scheduler chooses"
    assert {"10.1.0.10", "10.1.0.13"} <= set(first.certificate_names or ())
    assert addresses.join_addresses[:4] == tuple(f"{a}:26257" for a in (*first.hosts.values(), "10.2.0.10"))
    assert not first.balancers_of("join")
    assert addresses.to_json()["regions"][1]["hosts"] == {f"host-{n}": f"10.2.0.{10 + n}" for n in range(3)}


def test_without_a_list_a_region_is_found_and_trusted_as_with_pod_ip() -> None:
    settings, addresses = plan(config(*LISTED[:2], {}))
    here = addresses.regions[2]
    assert (here.hosts, here.certificate_names) == ({}, None)
    assert addresses.join_addresses[-1] == "10.3.16.27:26257"
    identity = strategy(WORD).pod_identity(settings.regions[2])
    assert (identity.advertise_host, identity.certificate_source) == ("$(POD_IP)", CertificateSource.APPROVED)
    made = run(config(*LISTED[:2], {})).named("ConstrainedCertificate", "c-authority-certificate").inputs["permitted"]
    assert "10.3.0.0/20" in made, "its hosts' range"
    assert "10.3.128.0/17" not in made, "no pod's"


def test_pods_are_held_to_their_hosts_and_told_their_addresses_by_them() -> None:
    recording = run(config(*LISTED))
    spec = recording.named(":StatefulSet", "a-nodes").inputs["spec"]["template"]["spec"]
    assert spec["hostNetwork"] is True
    assert spec["dnsPolicy"] == "ClusterFirstWithHostNet"
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    fields = [term["matchFields"] for term in terms]
    assert fields == [[{"key": "metadata.name", "operator": "In", "values": [f"host-{n}"]}] for n in range(3)]
    assert "topologySpreadConstraints" not in spec, "it could only keep a pod off its host"
    data = recording.named("core/v1:ConfigMap", "a-join").inputs["data"]
    assert data["host-1.address"] == "10.1.0.11:26257"
    assert "host-3.address" not in data
    (database,) = (each for each in spec["containers"] if each["name"] == "cockroachdb")
    assert "$NODE_NAME.address" in database["command"][-1]
    assert {each["name"] for each in database["env"]} >= {"NODE_NAME"}
    egress = recording.named("NetworkPolicy", "a-egress").inputs["spec"]["egress"]
    opened = [rule for rule in egress if {"protocol": "TCP", "port": 26257} in rule.get("ports", [])]
    assert [rule.get("to") for rule in opened] == [None], "no policy names a host of its own cluster"


def test_other_regions_are_asked_at_any_host_and_the_first_is_initialised() -> None:
    recording = run(config(*LISTED))
    members = json.loads(recording.named("core/v1:ConfigMap", "a-join").inputs["data"]["members.json"])
    assert members == [
        *({"region": "a", "host": f"cockroachdb-{n}.cockroachdb.a"} for n in range(3)),
        {"region": "b", "host": "10.2.0.10", "nodes": 3, "instead": ["10.2.0.11", "10.2.0.12"]},
        {"region": "c", "host": "10.3.0.10", "nodes": 3, "instead": ["10.3.0.11", "10.3.0.12"]},
    ]
    init = next(made for made in recording.of("batch/v1:Job") if made.name == "cockroachdb-init-job")
    (preflight,) = init.inputs["spec"]["template"]["spec"]["initContainers"]
    assert {"name": "INIT_HOST", "value": "10.1.0.10"} in preflight["env"]


def test_another_host_changes_no_certificate_and_restarts_nobody_that_stays() -> None:
    before = run(config(*LISTED))
    raw = config(*LISTED)
    listed = raw["regions"][0]["strategyOptions"]["hosts"]
    kept = {**listed}
    kept.pop("host-0")
    raw["regions"][0]["strategyOptions"]["hosts"] = {**kept, "host-0": listed["host-0"]}
    after = run(raw)

    def template(recording: Any) -> dict[str, Any]:
        return recording.named(":StatefulSet", "a-nodes").inputs["spec"]["template"]

    note = "cockroachdb-multiregion/template"
    assert template(before) != template(after)
    assert template(before)["metadata"]["annotations"][note] == template(after)["metadata"]["annotations"][note]
    rollouts = [{job.name for job in each.of("batch/v1:Job") if job.name.startswith("a-")} for each in (before, after)]
    assert rollouts[0] != rollouts[1], "the rollout runs again, and moves what is on host-0"
    names = [set(each.named("CertRequest", "a-node-request").inputs["ipAddresses"]) for each in (before, after)]
    assert names[0] == names[1]


def test_a_region_without_a_spare_is_warned_of() -> None:
    with patch("pulumi.log.warn") as warn:
        run(config(*LISTED))
    assert [call.args[0].partition(":")[0] for call in warn.call_args_list] == ["b", "c"]


GKE = {
    "strategy": WORD,
    "gcp": {"project": "p-123456", "authorizedCidrs": ["203.0.113.1/32"]},
    "regions": [
        {
            "name": "us-east1",
            "platform": "gke",
            "zones": ["us-east1-b"],
            "strategyOptions": {"hosts": {"h": "10.1.0.9"}},
        }
    ],
}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (config(hosts(1, 2)), "regions[0].strategyOptions.hosts: lists 2, and nodes is 3; a host carries one node"),
        (config(hosts(1), hosts(1)), "regions[1].strategyOptions.hosts.host-0: 10.1.0.10 is"),
        (config(hosts(1), {**hosts(2), "nodes": 1, "strategyOptions": {"hosts": {"x": "a.example"}}},
                {"nodes": 1, "strategyOptions": {"hosts": {"y": "a.example"}}}),
         "regions[2].strategyOptions.hosts.y: a.example is given at regions[1].strategyOptions.hosts.x too"),
        (config({"nodes": 1, "strategyOptions": {"hosts": {"h": "203.0.113.9"}}}),
         "regions[0].strategyOptions.hosts.h: 203.0.113.9 is outside of nodeCidr (10.1.0.0/20)"),
        (config({"nodes": 1, "strategyOptions": {"hosts": {"h": "10.1.16.26"}, "public": True}}),
         "regions[0].strategyOptions.hosts.h: 10.1.16.26 is the SQL load balancer's"),
        (config({"strategyOptions": {"public": True}}), "regions[0].strategyOptions.public: true, but without `hosts`"),
        ({**config(*LISTED), "cockroachdb": {"podSpec": {"affinity": {"nodeAffinity": {}}}}},
         "cockroachdb.podSpec.affinity: is given, and would take the place"),
        (GKE, "regions[0].strategyOptions.hosts: names hosts, but on gke hosts come and go"),
        ({**GKE, "gcp": {**GKE["gcp"], "autopilot": True}}, "gcp.autopilot: true, but Autopilot refuses"),
        (config({"cidr": "10.1.0.0/18", "nodeCidr": "10.1.0.0/20", "podCidr": "10.1.16.0/20",
                 "serviceCidr": "10.1.32.0/20", "dnsAddresses": ["10.1.48.53"], "sqlAddress": "10.1.48.26"}),
         "regions[0].cidr: 10.1.0.0/18 has no place for the load balancer that nodes join through"),
    ],
)  # fmt: skip
def test_what_it_cannot_work_with_is_refused(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan(raw)
    assert message in str(refused.value)


def test_public_addresses_are_taken_when_said() -> None:
    _, addresses = plan(config({"nodes": 1, "strategyOptions": {"hosts": {"h": "203.0.113.9"}, "public": True}}))
    assert addresses.regions[0].hosts == {"h": "203.0.113.9"}
