"""`coredns-federated`: each region's own servers know the others' names from their API servers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.plan.balancers import API_SERVERS
from components.strategies import strategy
from components.strategies.base import CertificateSource
from components.strategies.coredns_federated import manifests, names, texts
from components.strategies.coredns_federated.servers import FederatedDns, port
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.unit.recording import Recording, record

WORD = "coredns-federated"
TOKEN = "the token of"
ZONES = {name: f"{name}.svc.cluster.local" for name in "abc"}


def config(*regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    common = {"dns": {"kind": "coredns"}, "kubeconfig": "kubeconfig"}
    listed = [
        {"name": name, "context": name, "strategyOptions": {"apiServer": f"https://api.{name}"}, **common, **own}
        for name, own in zip("abc", (*regions, {}, {}, {}), strict=False)
    ]
    return {"strategy": WORD, "regions": listed, **more}


def given(args: Any) -> dict[str, Any]:
    match args.typ:
        case "tls:index/privateKey:PrivateKey":
            return {"privateKeyPem": "key"}
        case typ if typ.endswith("Cert"):
            return {"certPem": f"certificate {args.name}"}
        case "kubernetes:core/v1:Service":
            return {"status": {"loadBalancer": {"ingress": [{"ip": args.inputs["spec"].get("loadBalancerIP")}]}}}
        case "kubernetes:core/v1:Secret" if args.inputs.get("type") == "kubernetes.io/service-account-token":
            return {"data": {"token": encoded(f"{TOKEN} {args.name}"), "ca.crt": encoded(f"authority {args.name[0]}")}}
        case _:
            return {}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def made(raw: Mapping[str, Any]) -> Recording:
    settings, addresses = plan(raw)
    return record(lambda: outputs(multi_region(settings, addresses, None)), given)


def test_other_regions_zones_go_to_the_regions_own_servers() -> None:
    settings, addresses = plan(config())
    for index, region in enumerate(addresses.regions, 1):
        own = (f"10.{index}.32.53", f"10.{index}.32.54")
        assert region.forwards == {zone: own for name, zone in ZONES.items() if name != region.name}
        assert region.dns_addresses == ()
    assert addresses.regions[0].nodes[2].address == "cockroachdb-2.cockroachdb.a.svc.cluster.local"
    identity = strategy(WORD).pod_identity(settings.regions[0])
    assert identity.certificate_source is CertificateSource.PLANNED


def test_pods_call_api_servers_and_no_dns_crosses_regions() -> None:
    _, addresses = plan(config())
    assert addresses.callers(API_SERVERS) == ("pods",)
    assert {(str(each.protocol), each.number, each.to) for each in strategy(WORD).ports()} == {
        ("TCP", 26257, "pods"),
        ("TCP", 8080, "pods"),
        ("TCP", 443, "api-servers"),
    }
    _, others = plan({**config(), "strategy": "stub-domains", "regions": [
        {key: value for key, value in each.items() if key != "strategyOptions"} for each in config()["regions"]
    ]})  # fmt: skip
    assert others.callers(API_SERVERS) == ()


def test_a_region_that_is_gone_is_nobodys_to_watch() -> None:
    recording = made(config({}, {}, {"state": "lost"}))
    assert not [each.name for each in recording.resources if each.name.startswith("c-federated-dns-reader")]
    for name in "ab":
        corefile = recording.named("ConfigMap", f"{name}-federated-dns-corefile").inputs["data"]["Corefile"]
        assert "c.svc" not in corefile
        assert "c.token" not in recording.named("Secret", f"{name}-federated-dns-clusters").inputs["data"]
    assert recording.named("DnsForwards", "c-federated-dns-forwards").inputs["lost"] is True
    assert not recording.of("Deployment") or {each.name[0] for each in recording.of("Deployment")} == {"a", "b"}


def test_each_regions_credential_is_in_every_other_regions_secret_and_in_no_text_in_the_clear() -> None:
    recording = made(config())
    for name in "abc":
        data = recording.named("Secret", f"{name}-federated-dns-clusters").inputs["data"]
        others = [other for other in "abc" if other != name]
        assert set(data) == {f"{other}.{end}" for other in others for end in ("kubeconfig", "token", "crt")}
        for other in others:
            token = base64.b64decode(data[f"{other}.token"]).decode()
            assert token == f"{TOKEN} {other}-federated-dns-reader-token-1"
            assert base64.b64decode(data[f"{other}.crt"]).decode() == f"authority {other}"
            kubeconfig = json.loads(base64.b64decode(data[f"{other}.kubeconfig"]))
            (cluster,) = kubeconfig["clusters"]
            assert cluster["cluster"] == {
                "server": f"https://api.{other}",
                "certificate-authority": f"{names.CREDENTIALS_DIR}/{other}.crt",
            }
            assert kubeconfig["users"][0]["user"] == {"tokenFile": f"{names.CREDENTIALS_DIR}/{other}.token"}
    clear = [text for each in recording.resources for text in each.plain_texts()]
    assert not [text for text in clear if TOKEN in text or encoded(TOKEN)[:12] in text]


def test_new_credentials_come_with_new_servers_before_the_old_ones_go() -> None:
    first, second = made(config()), made(config(strategyOptions={"credentialGeneration": 2}))
    for name in "abc":
        reader = f"{name}-federated-dns-reader-token"
        old, new = first.named("Secret", f"{reader}-1"), second.named("Secret", f"{reader}-2")
        assert old.urn != new.urn, "another resource: the old one is deleted last"
        assert new.inputs["metadata"]["name"] == names.token_secret(2)
        before = first.named("Deployment", f"{name}-federated-dns-servers")
        after = second.named("Deployment", f"{name}-federated-dns-servers")
        assert before.urn == after.urn
        assert stamp(before.inputs) != stamp(after.inputs)
        tokens = {each.urn for each in second.of("Secret") if each.name.endswith("token-2") and each.name[0] != name}
        assert tokens <= second.reaches(after.urn)


def test_servers_are_replaced_by_others_only_once_those_know_every_region() -> None:
    spec = manifests.deployment_spec("image:1", "stamp")
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    (container,) = spec["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": names.READY_PORT}
    blocks = texts.corefile([texts.Remote(name, zone, "cluster.local") for name, zone in ZONES.items()]).split("\n}\n")
    assert [block.split(":53 {")[0] for block in blocks if block] == list(ZONES.values())
    assert [f"ready :{names.READY_PORT}" in block for block in blocks if block] == [True] * 3
    assert [f"health :{names.HEALTH_PORT}" in block for block in blocks if block] == [True, False, False]
    assert not any("reload" in block for block in blocks)


def test_a_server_that_lacks_a_region_answers_at_one_address_only() -> None:
    recording = made(config())
    found = {each.inputs["spec"]["clusterIP"]: each.inputs["spec"]["publishNotReadyAddresses"]
             for each in recording.of("core/v1:Service") if each.name.startswith("a-federated-dns")}  # fmt: skip
    assert found == {"10.1.32.53": False, "10.1.32.54": True}


def test_the_reader_lists_and_watches_what_names_are_made_of_and_nothing_else() -> None:
    assert {(resource, verb) for rule in manifests.READER_RULES for resource in rule["resources"]
            for verb in rule["verbs"]} == {(resource, verb) for resource in ("services", "namespaces", "endpointslices")
                                           for verb in ("list", "watch")}  # fmt: skip


def test_servers_have_no_credential_of_their_own_cluster_and_few_rights() -> None:
    pod = manifests.pod_template("image:1", "stamp")["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["capabilities"]["drop"] == ["ALL"]
    policy = manifests.network_policy_spec([443, 6443, 443])
    assert policy["egress"][1] == {"ports": [{"protocol": "TCP", "port": each} for each in (443, 6443)]}


def test_one_region_alone_has_no_servers() -> None:
    recording = record(
        lambda: FederatedDns("x", {
            "kubeconfig": "kc", "context": "x", "dns_kind": "coredns", "dns_zone": "x.svc.cluster.local",
            "forwards": {}, "addresses": ["10.1.32.53", "10.1.32.54"], "remotes": [], "owner": "p/s",
        })
    )  # fmt: skip
    assert not recording.of("Deployment")
    assert len(recording.of("DnsForwards")) == 1


@pytest.mark.parametrize(("url", "number"), [("https://a", 443), ("https://10.1.17.2:6443", 6443)])
def test_an_api_servers_port(url: str, number: int) -> None:
    assert port(url) == number


EKS = {"platform": "eks", "zones": ["us-east-1a", "us-east-1b"], "name": "us-east-1"}
EKS_2 = {"platform": "eks", "zones": ["us-east-2a", "us-east-2b"], "name": "us-east-2"}
GKE = {"platform": "gke", "zones": ["us-east1-b"], "name": "us-east1"}
GCP = {"gcp": {"project": "my-project-123456", "authorizedCidrs": ["192.168.0.0/24"]}}
AWS = {"aws": {"authorizedCidrs": ["192.168.0.0/24"]}}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"regions": [EKS, EKS_2], "aws": {"authorizedCidrs": ["203.0.113.1/32"]}},
         "regions[0].strategyOptions.apiServer: missing; aws.authorizedCidrs has 203.0.113.1/32"),
        ({"regions": [EKS, GKE], **GCP, **AWS},
         "regions[0].strategyOptions.apiServer: missing; the private endpoint of a cluster on eks is not routed to"),
        ({"regions": [GKE, {**GKE, "name": "us-west1", "zones": ["us-west1-b"]}],
          "gcp": {**GCP["gcp"], "network": "peered"}},
         "regions[0].strategyOptions.apiServer: missing; with `gcp.network: peered`"),
    ],
)  # fmt: skip
def test_api_servers_that_others_cannot_reach_are_refused(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan({"strategy": WORD, **raw})
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "raw",
    [
        {"regions": [EKS, EKS_2], **AWS},
        {"regions": [GKE, {**GKE, "name": "us-west1", "zones": ["us-west1-b"]}], **GCP},
        {"regions": [{**EKS, "strategyOptions": {"apiServer": "https://api"}},
                     {**GKE, "strategyOptions": {"apiServer": "https://api"}}], **GCP, **AWS},
    ],
)  # fmt: skip
def test_private_endpoints_of_one_network_and_addresses_that_are_given_are_taken(raw: dict[str, Any]) -> None:
    _, addresses = plan({"strategy": WORD, **raw})
    assert len(addresses.regions) == 2


def stamp(deployment: Mapping[str, Any]) -> str:
    return deployment["spec"]["template"]["metadata"]["annotations"]["cockroachdb-multiregion/config"]
