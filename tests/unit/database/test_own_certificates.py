"""A region whose pods ask for certificates of their own: what is declared, who may do what, and where keys are."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import certificate
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pulumi.runtime.rpc import UNKNOWN

from components.database import names
from components.database.pod_template import pod_template
from components.database.region import CockroachRegion
from components.database.region_authority import ConstrainedCertificateProvider, RegionAuthority
from components.database.signer import LEAF_DAYS, cluster_rules
from tests.unit.database.conftest import Authority
from tests.unit.database.examples import region_args, region_nodes
from tests.unit.database.pod_security import violations
from tests.unit.database.signing import pem, public_pem
from tests.unit.recording import Recording, record

SIGNING_KEY, ROOT_KEY = "REGION-SIGNING-KEY", "ROOT-AUTHORITY-KEY"
NAMES = ["localhost", "127.0.0.1", "*.cockroachdb.us-east1"]


def region(**changes: Any) -> Recording:
    args = region_args(
        own_certificates={
            "names": NAMES,
            "authority": {"certificate": "REGION-CERTIFICATE", "private_key": SIGNING_KEY},
        },
        join_balancer={"address": "10.1.16.27"},
        advertise_host="$(POD_IP)",
        **changes,
    )
    del args["node_certificate"]  # type: ignore[misc]
    return record(lambda: {"hash": CockroachRegion("us-east1", args).template_hash})


def test_one_of_the_two_kinds_of_certificates_has_to_be_given() -> None:
    both: Any = region_args(own_certificates={"names": [], "authority": {}})
    neither: Any = {key: value for key, value in region_args().items() if key != "node_certificate"}
    for args in (both, neither):
        with pytest.raises(ValueError, match="either `node_certificate` or `own_certificates`"):
            record(lambda args=args: CockroachRegion("us-east1", args))


def test_keys_are_secrets_and_the_signing_one_is_in_no_pod_of_the_database() -> None:
    recording = region()
    encoded = base64.b64encode(SIGNING_KEY.encode()).decode()
    for made in recording.resources:
        assert not [text for text in made.plain_texts() if SIGNING_KEY in text or encoded in text], made.urn
    held = {made.inputs["metadata"]["name"]: set(made.inputs["data"]) for made in recording.of(":Secret")}
    assert held["cockroachdb-node"] == {"ca.crt"}, "Jobs take the authority's certificate from it"
    assert held["cockroachdb-signer"] == {"tls.crt", "tls.key"}
    volumes = recording.named(":StatefulSet", "us-east1-nodes").inputs["spec"]["template"]["spec"]["volumes"]
    mounted = {
        volume["secret"]["secretName"]: volume["secret"].get("items") for volume in volumes if "secret" in volume
    }
    assert mounted == {"cockroachdb-node": [{"key": "ca.crt", "path": "ca.crt"}]}


def test_pods_of_nodes_and_signer_meet_the_restricted_profile() -> None:
    recording = region()
    for kind in (":StatefulSet", ":Deployment"):
        (made,) = recording.of(kind)
        spec = made.inputs["spec"]["template"]["spec"]
        assert list(violations(spec)) == []
        assert not spec["automountServiceAccountToken"]


def test_the_signers_pods_are_no_nodes() -> None:
    (made,) = region().of(":Deployment")
    labels = made.inputs["spec"]["template"]["metadata"]["labels"]
    assert made.inputs["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert not names.selector_labels().items() <= labels.items(), "Services and policies would take it for a node"


def rules(recording: Recording, kind: str) -> dict[str, list[Any]]:
    return {made.inputs["metadata"]["name"]: made.inputs["rules"] for made in recording.of(kind)}


def test_the_signer_may_sign_for_one_name_and_read_who_pods_are() -> None:
    recording = region()
    wide = rules(recording, ":ClusterRole")["us-east1-cockroachdb-signer"]
    assert [rule for rule in wide if "signers" in rule["resources"]] == [
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["signers"],
            "resourceNames": ["cockroachdb-multiregion.io/us-east1"],
            "verbs": ["approve", "sign"],
        }
    ]
    allowed = {(resource, verb) for rule in wide for resource in rule["resources"] for verb in rule["verbs"]}
    assert allowed == {
        *(("certificatesigningrequests", verb) for verb in ("get", "list", "watch")),
        ("certificatesigningrequests/approval", "update"),
        ("certificatesigningrequests/status", "update"),
        ("signers", "approve"),
        ("signers", "sign"),
    }
    near = rules(recording, "v1:Role")["cockroachdb-signer"]
    assert {(resource, verb) for rule in near for resource in rule["resources"] for verb in rule["verbs"]} == {
        ("pods", "get"),
        ("statefulsets", "get"),
    }
    assert cluster_rules("us-west1") != cluster_rules("us-east1")


def test_a_node_may_ask_and_never_approve() -> None:
    own = rules(region(), ":ClusterRole")["us-east1-cockroachdb-zone"]
    assert {(resource, verb) for rule in own for resource in rule["resources"] for verb in rule["verbs"]} == {
        ("nodes", "get"),
        ("certificatesigningrequests", "create"),
        ("certificatesigningrequests", "get"),
    }
    planned = record(lambda: CockroachRegion("us-east1", region_args()))
    assert "certificatesigningrequests" not in str([made.inputs for made in planned.of(":ClusterRole")])


def test_the_certificate_is_there_before_the_database_starts_and_is_renewed_beside_it() -> None:
    spec = pod_template(region_nodes(own_certificates=True))["spec"]
    assert [made["name"] for made in spec["initContainers"]] == ["zone", "certificate"]
    assert [made["name"] for made in spec["containers"]] == ["cockroachdb", "certificate-renewal"]
    database, renewal = spec["containers"]
    mounts = {made["name"]: made for made in database["volumeMounts"]}
    assert mounts["certs"] == {"name": "certs", "mountPath": names.CERTS_DIR, "readOnly": True}
    assert "api" not in mounts, "the database itself asks the API for nothing"
    assert {made["name"] for made in renewal["volumeMounts"]} >= {"certs", "api", "join", "authority"}
    (certs,) = [volume for volume in spec["volumes"] if volume["name"] == "certs"]
    assert certs["emptyDir"]["medium"] == "Memory", "no key on a disk"
    environment = {entry["name"]: entry for entry in renewal["env"]}
    assert environment["POD_IP"]["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"


def test_every_file_that_the_scripts_read_is_mounted() -> None:
    recording = region()
    join = recording.named(":ConfigMap", "us-east1-join").inputs["data"]
    assert join["certificate-names"].split() == NAMES
    for kind in (":StatefulSet", ":Deployment"):
        (made,) = recording.of(kind)
        spec = made.inputs["spec"]["template"]["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            values = {entry["name"]: entry.get("value", "") for entry in container["env"]}
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            for key, path in values.items():
                if key.endswith(("_FILE", "_DIR")):
                    assert any(path.startswith(mount) for mount in mounts), (container["name"], key)
            assert {mount["name"] for mount in container["volumeMounts"]} <= {
                volume["name"] for volume in spec["volumes"]
            } | {"datadir"}


def test_nodes_join_through_a_load_balancer_of_all_of_them_ready_or_not() -> None:
    recording = region()
    service = recording.named(":Service", "us-east1-join-balancer").inputs
    assert service["metadata"]["name"] == "cockroachdb-join"
    assert service["spec"]["loadBalancerIP"] == "10.1.16.27"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"] == names.selector_labels()
    assert service["spec"]["loadBalancerSourceRanges"] == region_args()["peer_cidrs"]
    sql = recording.named(":Service", "us-east1-sql").inputs["spec"]
    assert "publishNotReadyAddresses" not in sql, "clients go to nodes that are ready"


def test_a_new_name_restarts_nobody() -> None:
    more = {"names": [*NAMES, "10.1.16.28"], "authority": {"certificate": "C", "private_key": SIGNING_KEY}}
    args = region_args(own_certificates=more, join_balancer={"address": "10.1.16.27"}, advertise_host="$(POD_IP)")
    del args["node_certificate"]  # type: ignore[misc]
    changed = record(lambda: {"hash": CockroachRegion("us-east1", args).template_hash})
    assert changed.result == region().result


def test_pods_renew_long_before_the_end() -> None:
    assert timedelta(seconds=certificate.RENEW_SECONDS) * 3 == timedelta(days=LEAF_DAYS)


@pytest.fixture
def props(authority: Authority) -> dict[str, Any]:
    return {
        "authority_certificate": Path(authority.ca_file).read_text(),
        "authority_private_key": pem(authority.key),
        "public_key": public_pem(ec.generate_private_key(ec.SECP256R1())),
        "common_name": "Cockroach CA us-east1",
        "permitted": ["localhost", "10.1.128.0/17"],
    }


PROVIDER = ConstrainedCertificateProvider()


def test_the_signing_key_is_no_output(props: dict[str, Any]) -> None:
    outs = PROVIDER.create(props).outs or {}
    assert "BEGIN CERTIFICATE" in outs["certificate"]
    assert "PRIVATE" not in str(outs)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({}, False),
        ({"authority_private_key": "the same key in another format"}, False),
        ({"permitted": ["localhost", "10.1.128.0/17", "10.1.16.27/32"]}, True),
        ({"public_key": "another"}, True),
        ({"authority_certificate": "another"}, True),
        ({"permitted": UNKNOWN}, True),
    ],
)
def test_what_makes_a_new_certificate(
    props: dict[str, Any], change: dict[str, Any], differs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.database.region_authority.RENEW_DAYS", 20)
    outs = PROVIDER.create(props).outs or {}
    found = PROVIDER.diff("id", outs, {**props, **change})
    assert (found.changes, found.replaces or []) == (differs, [])


def test_it_is_renewed_in_place_before_its_end(props: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    outs = PROVIDER.create(props).outs or {}
    monkeypatch.setattr("components.database.region_authority.RENEW_DAYS", 31)
    found = PROVIDER.diff("id", outs, props)
    assert (found.changes, found.replaces) == (True, [])
    assert (PROVIDER.update("id", outs, props).outs or {})["certificate"] != outs["certificate"]


@pytest.mark.parametrize("preview", [False, True])
def test_a_regions_authority_keeps_both_keys_secret(preview: bool) -> None:
    def given(args: Any) -> dict[str, Any]:
        return {"privateKeyPem": SIGNING_KEY, "publicKeyPem": "PUBLIC"} if "PrivateKey" in args.typ else {}

    def program() -> Any:
        made = RegionAuthority(
            "us-east1",
            {
                "authority_certificate": "ROOT",
                "authority_private_key": ROOT_KEY,
                "region": "us-east1",
                "names": NAMES,
                "address_cidr": "10.1.128.0/17",
            },
        )
        return made.private_key.is_secret()

    recording = record(program, given if not preview else lambda _: {}, preview=preview)
    assert recording.result is True
    made = recording.named("ConstrainedCertificate", "us-east1-certificate")
    assert made.inputs["permitted"] == ["localhost", "cockroachdb.us-east1", "127.0.0.1/32", "10.1.128.0/17"]
    for each in recording.resources:
        assert not [text for text in each.plain_texts() if ROOT_KEY in text or SIGNING_KEY in text], each.urn
