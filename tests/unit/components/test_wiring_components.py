"""The components that stand between clusters, each by itself, with known and with unknown outputs."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.output import contains_unknowns

from components.database import certificates
from components.network.dns_load_balancer import DnsLoadBalancer
from components.platforms.existing import ExistingCluster
from components.platforms.kubernetes_provider import NO_CLUSTER
from components.strategies.stub_domains.resources import StubDomains, StubDomainsArgs
from tests.unit.recording import Recording, record

KEY = "-----BEGIN EC PRIVATE KEY-----"


def made(program: Callable[[], Any], ip: str | None = None, *, preview: bool = False) -> Recording:
    def outputs(args: Any) -> dict[str, Any]:
        if args.typ == "kubernetes:core/v1:Service":
            return {"status": {"loadBalancer": {"ingress": [{"ip": ip}] if ip else []}}}
        if args.typ == "tls:index/privateKey:PrivateKey":
            return {"privateKeyPem": KEY}
        return {"certPem": f"certificate of {args.name}"} if args.typ.endswith("Cert") else {}

    return record(program, outputs if not preview else lambda _: {}, preview=preview)


def stub_domains_args(**more: Any) -> StubDomainsArgs:
    args: dict[str, Any] = {
        "kubeconfig": "kc",
        "context": "us-east1",
        "dns_kind": "coredns",
        "dns_zone": "us-east1.svc.cluster.local",
        "dns_addresses": ["10.1.16.53"],
        "dns_managed": True,
        "forwards": {"us-west1.svc.cluster.local": ["10.3.16.53"]},
        "owner": "p/dev",
        **more,
    }
    return args  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("preview", [False, True])
def test_an_existing_cluster_puts_a_path_and_no_credential_into_the_state(preview: bool) -> None:
    recording = made(
        lambda: ExistingCluster("us-east1", {"kubeconfig": "~/kc", "context": "c"}).kubeconfig, preview=preview
    )
    provider = recording.named("providers:kubernetes", "us-east1-kubernetes")
    assert provider.inputs == {
        "kubeconfig": "~/kc",
        "context": "c",
        "clusterIdentifier": "us-east1",
        "enableServerSideApply": "true",
        "enableConfigMapMutable": "true",
        "enableSecretMutable": "true",
        "deleteUnreachable": "false",
        "skipUpdateUnreachable": "false",
    }
    assert recording.result == "~/kc"


def test_a_lost_clusters_provider_differs_only_in_leading_nowhere() -> None:
    lost = made(lambda: ExistingCluster("r", {"kubeconfig": "kc", "context": "c", "lost": True}))
    provider = lost.named("providers:kubernetes", "r-kubernetes")
    assert provider.inputs["kubeconfig"] == NO_CLUSTER
    assert provider.inputs["clusterIdentifier"] == "r"
    assert "context" not in provider.inputs


def test_a_load_balancer_per_address_answers_both_protocols() -> None:
    args = {"addresses": ["10.1.16.53"], "client_cidrs": ["10.2.0.0/16"], "load_balancer_class": "acme/internal"}
    recording = made(lambda: DnsLoadBalancer("x", args).addresses, "10.1.16.53")  # pyright: ignore[reportArgumentType]
    (service,) = recording.of("core/v1:Service")
    spec = service.inputs["spec"]
    assert {(port["protocol"], port["port"]) for port in spec["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert spec["selector"] == {"k8s-app": "kube-dns"}
    assert spec["loadBalancerSourceRanges"] == ["10.2.0.0/16"]
    assert spec["loadBalancerClass"] == "acme/internal"
    assert service.inputs["metadata"]["namespace"] == "kube-system"
    assert recording.result == ["10.1.16.53"]


def test_addresses_get_services_of_their_own() -> None:
    recording = made(lambda: DnsLoadBalancer("x", {"addresses": ["10.1.16.53", "10.1.16.54"]}).addresses, preview=True)
    assert [made.inputs["metadata"]["name"] for made in recording.of("core/v1:Service")] == [
        "cockroachdb-dns",
        "cockroachdb-dns-2",
    ]
    assert contains_unknowns(recording.result), "not known before the load balancers have them"


@pytest.mark.parametrize("ip", ["10.1.16.99", None])
def test_another_address_than_the_planned_one_fails(ip: str | None) -> None:
    with pytest.raises(RuntimeError, match=r"planned at 10\.1\.16\.53.*`dnsManaged: false`"):
        made(lambda: DnsLoadBalancer("x", {"addresses": ["10.1.16.53"]}).addresses, ip)


@pytest.mark.parametrize("preview", [False, True])
def test_stub_domains_forward_by_the_plan_without_waiting_for_a_load_balancer(preview: bool) -> None:
    recording = made(lambda: StubDomains("x", stub_domains_args()).addresses, "10.1.16.53", preview=preview)
    forwards = recording.named("DnsForwards", "x-forwards")
    assert forwards.inputs["forwards"] == {"us-west1.svc.cluster.local": ["10.3.16.53"]}
    assert forwards.inputs["lost"] is False
    assert not {service.urn for service in recording.of("core/v1:Service")} & recording.reaches(forwards.urn)
    assert preview == contains_unknowns(recording.result)


@pytest.mark.parametrize("more", [{"dns_managed": False}, {"lost": True}])
def test_no_load_balancer_where_it_is_not_ours(more: dict[str, Any]) -> None:
    recording = made(lambda: StubDomains("x", stub_domains_args(**more)).addresses)
    assert not recording.of("core/v1:Service")
    assert recording.result == ["10.1.16.53"]


def test_a_node_certificate_has_the_planned_names_and_both_uses() -> None:
    names = ["localhost", "127.0.0.1", "*.cockroachdb.us-east1.svc.cluster.local", "10.1.16.26"]
    recording = made(
        lambda: certificates.NodeCertificate(
            "n", {"authority_certificate": "CA", "authority_private_key": KEY, "names": names}
        ).private_key.is_secret()
    )
    request = recording.named("CertRequest", "n-request").inputs
    assert request["dnsNames"] == ["localhost", "*.cockroachdb.us-east1.svc.cluster.local"]
    assert request["ipAddresses"] == ["127.0.0.1", "10.1.16.26"]
    assert request["subject"]["commonName"] == "node"
    signed = recording.named("LocallySignedCert", "n-certificate").inputs
    assert set(signed["allowedUses"]) == {"digital_signature", "server_auth", "client_auth"}
    assert signed["earlyRenewalHours"] < signed["validityPeriodHours"]
    assert recording.result is True
    assert not [text for made_ in recording.resources for text in made_.plain_texts() if KEY in text]


def test_a_client_certificate_is_for_its_user_and_no_server() -> None:
    recording = made(
        lambda: (
            certificates.ClientCertificate(
                "c", {"authority_certificate": "CA", "authority_private_key": KEY, "user": "app"}
            ).certificate
        )
    )
    assert recording.named("CertRequest", "c-request").inputs["subject"]["commonName"] == "app"
    assert recording.named("LocallySignedCert", "c-certificate").inputs["allowedUses"] == [
        "digital_signature",
        "client_auth",
    ]


def test_an_authority_is_protected_and_trusts_its_predecessor_while_leaves_change_over() -> None:
    def program() -> pulumi.Output[Any]:
        authority = certificates.CertificateAuthority("ca", {"trusted": ["certificate of old\n", "certificate of old"]})
        return pulumi.Output.all(authority.bundle, authority.private_key.is_secret())

    recording = made(program)
    assert recording.result == ["certificate of ca-certificate\ncertificate of old\n", True]
    assert all(found.protect for found in recording.resources if found.type.startswith("tls:"))
    assert recording.named("SelfSignedCert", "ca-certificate").inputs["isCaCertificate"] is True


def test_an_authority_that_may_be_lost_is_not_protected() -> None:
    recording = made(lambda: certificates.CertificateAuthority("ca", {"protect": False}).certificate)
    assert not [found for found in recording.resources if found.protect]
