"""`istio`: a Service for every node, a control plane in every region that knows the others' beforehand."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.plan.lock import compare
from components.strategies import strategy
from components.strategies.istio import reader, values
from stacks.multiregion import multi_region
from tests.unit.recording import Recording, record
from tests.unit.stacks.test_multiregion import given as given_elsewhere

WORD = "istio"
APART = ({"strategyOptions": {"network": "net-a"}}, {"strategyOptions": {"network": "net-b"}},
         {"strategyOptions": {"network": "net-c"}})  # fmt: skip
TOKEN = "a-readers-token"


def config(*regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig"}
    listed = [
        {"name": name, "context": name, **common, **own}
        for name, own in zip("abc", (*regions, {}, {}, {}), strict=False)
    ]
    return {"strategy": WORD, "regions": listed, **more}


def given(args: Any) -> dict[str, Any]:
    if args.typ == "kubernetes:core/v1:Secret" and args.name.endswith("-token"):
        return {"data": {"token": b64encode(f"{TOKEN} {args.name}".encode()).decode(), "ca.crt": "Y2E="}}
    return given_elsewhere(args)


def run(raw: dict[str, Any]) -> Recording:
    settings, addresses = plan(raw)
    return record(lambda: multi_region(settings, addresses, None), given)


def test_a_node_is_a_service_of_its_own() -> None:
    settings, addresses = plan(config())
    first = addresses.regions[0]
    assert [node.address for node in first.nodes] == [f"cockroachdb-{n}.a.svc.cluster.local" for n in range(3)]
    assert addresses.join_addresses[0] == "cockroachdb-0.a.svc.cluster.local:26257"
    assert "*.a.svc.cluster.local" in (first.certificate_names or ())
    assert first.forwards == {}
    identity = strategy(WORD).pod_identity(settings.regions[0])
    assert (identity.own_service, identity.app_protocol) == (True, "tcp")
    made = run(config({"nodes": 2}))
    service = made.named("core/v1:Service", "a-cockroachdb-1").inputs["spec"]
    assert service["selector"]["statefulset.kubernetes.io/pod-name"] == "cockroachdb-1"
    assert (service["type"], service["publishNotReadyAddresses"]) == ("ClusterIP", True)
    database = [each for each in made.of("core/v1:Service") if each.inputs["metadata"]["namespace"] == "a"]
    assert len(database) == 5
    assert {port["appProtocol"] for each in database for port in each.inputs["spec"]["ports"]} == {"tcp"}


def test_on_one_network_there_is_no_gateway() -> None:
    _, addresses = plan(config())
    assert [each.kind for each in addresses.regions[0].balancers] == ["sql"]
    settings, _ = plan(config())
    istiod = values.istiod_values(settings, settings.regions[0])
    assert (istiod["global"]["network"], istiod["global"]["meshNetworks"]) == ("", {})
    made = run(config())
    assert not made.of(":Gateway")
    assert {each.inputs["chart"] for each in made.of("Release")} == {"base", "cni", "istiod"}


def test_between_networks_every_control_plane_knows_the_gateways_planned_addresses() -> None:
    settings, addresses = plan(config(*APART))
    assert [each.addresses for each in addresses.regions[1].balancers_of("gateway")] == [("10.2.16.28",)]
    assert values.mesh_networks(settings) == {
        f"net-{name}": {
            "endpoints": [{"fromRegistry": name}],
            "gateways": [{"address": f"10.{n}.16.28", "port": 15443}],
        }
        for n, name in enumerate("abc", 1)
    }
    made = run(config(*APART))
    balancer = made.named("core/v1:Service", "b-mesh-gateway-balancer").inputs
    assert balancer["spec"]["loadBalancerIP"] == "10.2.16.28"
    assert [port["port"] for port in balancer["spec"]["ports"]] == [15443], "not the control plane's ports"
    assert "0.0.0.0/0" not in balancer["spec"]["loadBalancerSourceRanges"]
    (server,) = made.named(":Gateway", "b-mesh-cross-network").inputs["spec"]["servers"]
    assert server["hosts"] == ["*.b.svc.cluster.local"], "the database's Services and no others"
    policy = made.named("NetworkPolicy", "a-mesh-policies-sidecars").inputs["spec"]["egress"]
    assert policy[1]["to"] == [{"ipBlock": {"cidr": f"10.{n}.16.28/32"}} for n in (2, 3)]


def test_regions_of_one_network_share_it() -> None:
    settings, _ = plan(config(APART[0], APART[0], APART[2]))
    network = values.mesh_networks(settings)["net-a"]
    assert network["endpoints"] == [{"fromRegistry": "a"}, {"fromRegistry": "b"}]
    assert [each["address"] for each in network["gateways"]] == ["10.1.16.28", "10.2.16.28"]


def test_every_region_reads_every_other_with_that_ones_token() -> None:
    made = run(config({"strategyOptions": {"apiServer": "https://10.1.17.2:6443", "credential": 2}}))
    assert made.named("Secret", "a-mesh-reader-token").inputs["metadata"]["name"].endswith("-2")
    for here in "abc":
        remotes = [each for each in made.of("Secret") if each.name.startswith(f"{here}-mesh-remote-")]
        assert {each.name[-1] for each in remotes} == set("abc") - {here}
    secret = made.named("Secret", "b-mesh-remote-a")
    assert secret.inputs["metadata"]["labels"] == {"istio/multiCluster": "true"}
    assert secret.inputs["metadata"]["annotations"] == {"networking.istio.io/cluster": "a"}
    kubeconfig = json.loads(secret.inputs["stringData"]["a"])
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://10.1.17.2:6443"
    assert kubeconfig["users"][0]["user"] == {"token": f"{TOKEN} a-mesh-reader-token"}


def test_no_credential_is_in_the_clear() -> None:
    made = run(config(*APART))
    for each in made.resources:
        for text in each.plain_texts():
            assert TOKEN not in text, each.urn
            assert "PRIVATE KEY" not in text, each.urn


def test_readers_see_no_secrets() -> None:
    rules: list[Any] = list(reader.rules())
    granted = {resource for rule in rules for resource in rule["resources"]}
    verbs = {verb for rule in rules for verb in rule["verbs"]}
    assert not granted & {"secrets", "configmaps", "*"}
    assert verbs == {"get", "list", "watch"}
    for chart in (values.base_values(), values.istiod_values(*_first())):
        assert chart["global"]["enableReaderRBAC"] is False, "the charts' own reads Secrets"


def _first() -> tuple[Any, Any]:
    settings, _ = plan(config())
    return settings, settings.regions[0]


def test_nodes_wait_for_their_own_mesh_and_for_no_other_region() -> None:
    made = run(config(*APART))
    for name in "abc":
        reached = made.reaches(made.named("StatefulSet", f"{name}-nodes").urn)
        mine = {made.named("Release", f"{name}-mesh-{chart}").urn for chart in ("cni", "istiod")}
        assert mine <= reached
        others = {
            each.urn for each in made.resources if each.name[:2] in {f"{other}-" for other in "abc"} - {f"{name}-"}
        }
        assert not reached & others
    (init,) = made.of(":ClusterInit")
    waited = made.reaches(init.urn)
    for kind in ("Release", "PeerAuthentication", ":Gateway"):
        assert {each.urn for each in made.of(kind)} <= waited
    assert len(made.of("PeerAuthentication")) == 6


def test_the_mesh_has_one_root_that_is_not_the_databases() -> None:
    assert not run(config(allowDataLoss=True)).named("PrivateKey", "mesh-root-key").protect
    made = run(config())
    assert made.named("PrivateKey", "mesh-root-key").protect
    own = made.named("core/v1:Secret", "a-mesh-cacerts").inputs["stringData"]
    assert own["root-cert.pem"] == "certificate mesh-root-certificate"
    assert own["ca-cert.pem"] == "certificate a-mesh-authority-certificate"
    assert own["cert-chain.pem"] == own["ca-cert.pem"] + own["root-cert.pem"]
    root = made.named("SelfSignedCert", "mesh-root-certificate").urn
    assert root not in made.reaches(made.named("LocallySignedCert", "a-node-certificate").urn)


def test_only_the_databases_own_ports_take_what_is_not_the_meshs() -> None:
    made = run(config())
    whole = made.named("PeerAuthentication", "a-mesh-policies-default").inputs["spec"]
    own = made.named("PeerAuthentication", "a-mesh-policies-cockroachdb").inputs["spec"]
    assert whole == {"mtls": {"mode": "STRICT"}}
    assert own["mtls"] == {"mode": "STRICT"}
    assert own["portLevelMtls"] == {"26257": {"mode": "PERMISSIVE"}, "8080": {"mode": "PERMISSIVE"}}


def test_a_lost_region_leaves_the_others_meshes_without_a_call() -> None:
    made = run(config(*APART[:2], {**APART[2], "state": "lost"}))
    assert not [each for each in made.resources if each.type.startswith("kubernetes:") and each.name.startswith("c-")]
    assert [each.name for each in made.of("Secret") if each.name.startswith("a-mesh-remote")] == ["a-mesh-remote-b"]
    settings, _ = plan(config(*APART[:2], {**APART[2], "state": "lost"}))
    assert set(values.mesh_networks(settings)) == {"net-a", "net-b"}


def test_a_kubeconfig_says_where_its_api_server_is(tmp_path: Path) -> None:
    document = {
        "clusters": [{"name": "one", "cluster": {"server": "https://192.0.2.1"}}],
        "contexts": [{"name": "a", "context": {"cluster": "one", "user": "x"}}],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(document))
    assert reader.server_of(str(file), "a") == "https://192.0.2.1"
    assert reader.server_of(json.dumps(document), "a") == "https://192.0.2.1"
    assert reader.server_of(str(file), "b") == reader.UNREAD
    assert reader.server_of(str(tmp_path / "none"), "a") == reader.UNREAD


def test_a_running_stack_may_grow_and_name_its_networks() -> None:
    _, before = plan(config())
    _, more = plan(config({"nodes": 4}))
    _, apart = plan(config(*APART))
    assert compare(before.to_json(), more) == []
    assert compare(before.to_json(), apart) == []


@pytest.mark.parametrize(
    ("regions", "more", "message"),
    [
        ([{"podsRouted": False}], {}, "regions[0].podsRouted: false, but no region names its network"),
        ([{**APART[0], "podsRouted": False}, APART[0], APART[2]], {},
         "regions[0].podsRouted: false, but b is on the same network"),
        ([APART[0]], {}, "regions[1].strategyOptions.network: missing, but regions[0] names its network"),
        ([{"name": "istio-system"}], {}, "regions[0].name: istio-system is the namespace of the mesh's own"),
        ([{}, {"dns": {"kind": "coredns", "clusterDomain": "b.example"}}], {},
         "regions[1].dns.clusterDomain: b.example, but regions[0] has cluster.local"),
        ([{**APART[0], "cidr": "10.1.0.0/18", "nodeCidr": "10.1.0.0/20", "podCidr": "10.1.16.0/20",
           "serviceCidr": "10.1.32.0/20", "dnsAddresses": ["10.1.48.53"], "sqlAddress": "10.1.48.26"}, *APART[1:]], {},
         "regions[0].cidr: 10.1.0.0/18 has no place for the east-west gateway's load balancer"),
        ([{**APART[0], "sqlAddress": "10.1.16.28"}, *APART[1:]], {},
         "regions[0].sqlAddress: 10.1.16.28 is that of the load balancer gateway"),
        ([], {"strategyOptions": {"version": "1.27.1"}}, "strategyOptions.version: 1.27.1 is too old"),
        ([], {"strategyOptions": {"version": "latest"}}, "strategyOptions.version: latest is not the version"),
        ([], {"strategyOptions": {"network": "flat"}}, "strategyOptions.network: unknown key"),
        ([{"strategyOptions": {"apiServer": "10.1.17.2"}}], {}, "strategyOptions.apiServer: 10.1.17.2 is not"),
        ([{"strategyOptions": {"platform": "eks"}}], {}, "regions[0].strategyOptions.platform: eks is no platform"),
        ([{"strategyOptions": {"cniBinDir": "bin"}}], {}, "strategyOptions.cniBinDir: bin is not an absolute"),
        ([{"strategyOptions": {"credential": 0}}], {}, "regions[0].strategyOptions.credential: 0 is out of range"),
    ],
)  # fmt: skip
def test_what_it_cannot_work_with_is_refused(regions: list[dict[str, Any]], more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan(config(*regions, **more))
    assert message in str(refused.value)


def test_clusters_of_the_clouds_are_refused() -> None:
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
    region = {"name": "us-east-1", "platform": "eks", "zones": zones}
    with pytest.raises(ConfigError, match=r"regions\[0\]\.platform: eks, but strategy istio works on existing only"):
        plan({"strategy": WORD, "aws": {"authorizedCidrs": ["203.0.113.1/32"]}, "regions": [region]})
