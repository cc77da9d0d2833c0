"""The composition, seen as the graph of resources that the engine is told of."""

import base64
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from components.plan import ConfigError, plan
from components.strategies import AVAILABLE
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.lab.strategies import stack_options
from tests.unit.recording import Recording, record

NAMES = ("us-east1", "us-central1", "us-west1")
PRIVATE = "-----BEGIN EC PRIVATE KEY-----"


def config(states: Mapping[str, str] | None = None, names: tuple[str, ...] = NAMES, **more: Any) -> dict[str, Any]:
    return {
        "regions": [
            {
                "name": name,
                "kubeconfig": ".lab/dev/kubeconfig",
                "context": name,
                "dns": {"kind": "kube-dns" if name == "us-west1" else "coredns"},
                "state": (states or {}).get(name, "active"),
            }
            for name in names
        ],
        "databases": [{"name": "bank", "owner": "app", "primaryRegion": names[0], "survive": "zone"}],
        **more,
    }


def given(args: Any) -> dict[str, Any]:
    """What the real providers would answer."""
    match args.typ:
        case "tls:index/privateKey:PrivateKey":
            return {"privateKeyPem": f"{PRIVATE} {args.name}", "publicKeyPem": f"public {args.name}"}
        case "tls:index/certRequest:CertRequest":
            return {"certRequestPem": f"request {args.name}"}
        case "tls:index/selfSignedCert:SelfSignedCert" | "tls:index/locallySignedCert:LocallySignedCert":
            return {"certPem": f"certificate {args.name}"}
        case typ if typ.endswith(":ConstrainedCertificate"):
            return {"certificate": f"certificate {args.name}"}
        case "kubernetes:core/v1:Service":
            return {"status": {"loadBalancer": {"ingress": [{"ip": args.inputs["spec"].get("loadBalancerIP")}]}}}
        case "kubernetes:core/v1:Secret" if args.inputs.get("type") == "kubernetes.io/service-account-token":
            return {"data": {"token": encoded(f"token {args.name}"), "ca.crt": encoded(f"authority {args.name}")}}
        case _:
            return {}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(autouse=True)
def kubeconfigs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they say is read from files that are not here."""
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")


def run(raw: Mapping[str, Any], *, preview: bool = False, known: bool = True) -> Recording:
    settings, addresses = plan(raw)
    return record(
        lambda: outputs(multi_region(settings, addresses, None)), given if known else lambda _: {}, preview=preview
    )


def takes_existing(strategy: str) -> bool:
    """Others' first previews are looked at in tests of their own (`tests/unit/strategies`)."""
    try:
        plan(config(strategy=strategy))
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("strategy", [*filter(takes_existing, AVAILABLE)])
def test_a_first_preview_shows_the_whole_graph(strategy: str) -> None:
    raw = config(strategy=strategy, strategyOptions=stack_options(strategy))
    assert run(raw, preview=True, known=False).graph() == run(raw).graph()


def region_of(urn: str) -> str | None:
    """The region whose own component (a child of none, or of its components) this is."""
    name = urn.rpartition("::")[2]
    return next(
        (region for region in (*NAMES, "europe-west4") if name == region or name.startswith(f"{region}-")), None
    )


def edges(recording: Recording) -> set[tuple[str, str, str, str]]:
    """(component that waits, its region, component it waits for, that one's region), for every edge across regions."""
    by_urn = {made.urn: made for made in recording.resources}

    def component(urn: str) -> str:
        made = by_urn[urn]
        while made.parent in by_urn:
            made = by_urn[made.parent]
        return made.type.rpartition(":")[2]

    return {
        (component(made.urn), here, component(urn), there)
        for made in recording.resources
        for urn in made.dependencies
        if (here := region_of(made.urn)) and (there := region_of(urn)) and here != there
    }


def test_the_only_edges_from_region_to_region_are_the_rollout_chain() -> None:
    assert edges(run(config())) == {
        ("Rollout", "us-central1", "Rollout", "us-east1"),
        ("Rollout", "us-west1", "Rollout", "us-central1"),
    }


def test_init_waits_for_every_region_and_nothing_of_a_region_but_its_rollout_waits_for_init() -> None:
    recording = run(config())
    (init,) = recording.of("ClusterInit")
    reached = recording.reaches(init.urn)
    for kind in ("StatefulSet", "DnsForwards", "core/v1:Service"):
        assert {made.urn for made in recording.of(kind)} <= reached
    waiting = {made.type.rpartition(":")[2] for made in recording.resources if init.urn in recording.reaches(made.urn)}
    assert {"StatefulSet", "DnsForwards", "Service", "ConfigMap", "Namespace"} & waiting <= {"ConfigMap"}
    assert {made.name for made in recording.of("StatefulSet") if init.urn in recording.reaches(made.urn)} == set()


def test_regions_roll_one_after_the_other_and_the_sql_comes_last() -> None:
    recording = run(config())
    rollouts = [recording.named(":Rollout", name) for name in NAMES]
    for earlier, later in pairwise(rollouts):
        jobs = {made.urn for made in recording.of("batch/v1:Job") if made.parent == earlier.urn}
        assert jobs
        assert jobs <= recording.reaches(later.urn)
    (databases,) = recording.of(":Databases")
    assert {rollout.urn for rollout in rollouts} <= recording.reaches(databases.urn)


def test_each_load_balancers_planned_address_is_every_other_clusters_stub_domain() -> None:
    recording = run(config())
    balancers = {
        region_of(made.urn): made.inputs["spec"]["loadBalancerIP"]
        for made in recording.of("core/v1:Service")
        if made.inputs["metadata"]["name"] == "cockroachdb-dns"
    }
    assert set(balancers) == set(NAMES)
    for here in NAMES:
        forwards = recording.named("DnsForwards", f"{here}-stub-domains-forwards").inputs["forwards"]
        assert forwards == {f"{name}.svc.cluster.local": [balancers[name]] for name in NAMES if name != here}


@pytest.mark.parametrize("known", [True, False])
def test_no_private_key_is_in_plain_text(known: bool) -> None:
    recording = run(config(), known=known, preview=not known)
    assert recording.of("core/v1:Secret")
    for made in recording.resources:
        assert not [text for text in made.plain_texts() if PRIVATE in text], made.urn


def test_the_root_key_is_only_where_its_jobs_run_and_the_authoritys_key_in_no_cluster() -> None:
    recording = run(config())
    roots = [
        made.urn for made in recording.of("core/v1:Secret") if made.inputs["metadata"]["name"].endswith("client-root")
    ]
    assert [region_of(urn) for urn in roots] == ["us-east1"]
    for made in recording.resources:
        if made.type.startswith("kubernetes:"):
            assert f"{PRIVATE} cockroachdb-authority-key" not in str(made.inputs)


def test_outputs_are_the_contract_and_only_client_certificates_are_secret() -> None:
    result = run(config()).result
    assert set(result) == {
        "contractVersion",
        "regions",
        "namespaces",
        "strategy",
        "dnsAddresses",
        "joinAddresses",
        "sqlEndpoints",
        "consoleEndpoints",
        "caCertificate",
        "databaseUrls",
        "clientCertificates",
        "topology",
    }
    assert result["regions"] == list(NAMES)
    assert result["dnsAddresses"] == {
        "us-east1": ["10.1.16.53"],
        "us-central1": ["10.2.16.53"],
        "us-west1": ["10.3.16.53"],
    }
    assert result["sqlEndpoints"]["us-west1"] == "10.3.16.26:26257"
    assert result["databaseUrls"] == {
        "bank": {
            name: f"postgresql://app@10.{index}.16.26:26257/bank?sslmode=verify-full"
            for index, name in enumerate(NAMES, start=1)
        }
    }
    assert set(result["clientCertificates"]) == {"app"}
    assert "root" not in str(result["clientCertificates"])
    assert PRIVATE not in str({key: value for key, value in result.items() if key != "clientCertificates"})


def test_a_protected_guard_per_region_depends_on_everything() -> None:
    recording = run(config())
    for name in NAMES:
        guard = recording.named("Stash", f"{name}-guard")
        assert guard.protect
        everything = {made.urn for made in recording.resources if not made.type.endswith(":Stash")}
        assert everything <= recording.reaches(guard.urn), "whatever a destroy would take, it meets the guard first"
    assert recording.named("PrivateKey", "cockroachdb-authority-key").protect


def test_allow_data_loss_opens_every_guard() -> None:
    recording = run(config(allowDataLoss=True))
    assert not [made.urn for made in recording.resources if made.protect]
    for guard in recording.of("Stash"):
        assert not guard.dependencies, "a cluster that can't become healthy must still be able to go"


def test_a_lost_region_keeps_a_provider_that_leads_nowhere_and_no_object() -> None:
    recording = run(config({"us-west1": "lost"}))
    provider = recording.named("providers:kubernetes", "us-west1-kubernetes")
    assert provider.inputs["kubeconfig"] == '{"apiVersion": "v1", "kind": "Config"}'
    assert provider.inputs["deleteUnreachable"] == "true"
    assert provider.inputs["clusterIdentifier"] == "us-west1"
    assert "context" not in provider.inputs
    forwards = recording.named("DnsForwards", "us-west1-stub-domains-forwards")
    assert forwards.inputs["lost"] is True
    assert not recording.named("Stash", "us-west1-guard").protect
    mine = {made.type for made in recording.resources if region_of(made.urn) == "us-west1"}
    assert not [typ for typ in mine if typ.startswith("kubernetes:")]
    for name in ("us-east1", "us-central1"):
        survivors = recording.named("DnsForwards", f"{name}-stub-domains-forwards").inputs["forwards"]
        assert "us-west1.svc.cluster.local" not in survivors


def test_a_removed_region_has_nothing_but_the_job_that_struck_its_nodes_off() -> None:
    """The same one that ran when it drained; of a lost region it strikes off the dead."""
    gone, drained = run(config({"us-west1": "removed"})), run(config({"us-west1": "draining"}))
    left = {made.urn: made.inputs for made in gone.resources if region_of(made.urn) == "us-west1"}
    (decommission,) = gone.of(":Decommission")
    assert left.keys() == {decommission.urn, *(made.urn for made in gone.resources if made.parent == decommission.urn)}
    assert left.items() <= {made.urn: made.inputs for made in drained.resources}.items()
    (databases,) = gone.of(":Databases")
    assert databases.urn in gone.reaches(decommission.urn)


def test_a_draining_region_is_guarded_until_its_nodes_are_decommissioned() -> None:
    recording = run(config({"us-west1": "draining"}))
    guard = recording.named("Stash", "us-west1-guard")
    (decommission,) = recording.of(":Decommission")
    (databases,) = recording.of(":Databases")
    assert not guard.protect
    assert decommission.urn in recording.reaches(guard.urn)
    assert databases.urn in recording.reaches(decommission.urn)
    assert decommission.provider == databases.provider
    assert {made.name for made in recording.of(":Rollout")} == {"us-east1", "us-central1"}


def test_the_first_regions_loss_moves_the_jobs_and_the_root_key_but_not_init() -> None:
    moved = [{"name": "bank", "owner": "app", "primaryRegion": "us-west1", "survive": "zone"}]
    recording = run(config({"us-east1": "lost"}, databases=moved))
    assert not recording.of("ClusterInit")
    roots = [
        made.urn for made in recording.of("core/v1:Secret") if made.inputs["metadata"]["name"].endswith("client-root")
    ]
    assert [region_of(urn) for urn in roots] == ["us-central1"]


def test_a_fourth_region_touches_only_what_lists_regions() -> None:
    three = {made.urn: made for made in run(config()).resources}
    four = {made.urn: made for made in run(config(names=(*NAMES, "europe-west4"))).resources}
    gone = {three[urn].type.rpartition(":")[2] for urn in three.keys() - four.keys()}
    changed = {
        (made.type.rpartition(":")[2], "" if "Policy" in made.type else made.name.removeprefix(f"{region_of(urn)}-"))
        for urn, made in three.items()
        if urn in four and four[urn].inputs != made.inputs
    }
    assert changed == {
        ("AddressLock", "addresses"),
        ("Completed", "completed"),
        ("ConfigMap", "join"),
        ("DnsForwards", "stub-domains-forwards"),
        ("NetworkPolicy", ""),
        ("Service", "stub-domains-dns-service"),
    }
    # The SQL is another text, and so another ConfigMap and Job.
    assert gone == {"ConfigMap", "Job"}


def secret_of(recording: Recording, region: str, name: str) -> dict[str, str]:
    """A Secret's data, decoded."""
    (made,) = [
        each
        for each in recording.of("core/v1:Secret")
        if each.inputs["metadata"]["name"] == name and each.inputs["metadata"]["namespace"] == region
    ]
    return {key: base64.b64decode(text).decode() for key, text in made.inputs["data"].items()}


@pytest.mark.parametrize(
    ("word", "trusted", "signs"),
    [("1", [""], ""), ("1+2", ["", "-2"], ""), ("2+1", ["-2", ""], "-2"), ("2", ["-2"], "-2")],
)
def test_all_nodes_trust_the_next_authority_before_it_signs(word: str, trusted: list[str], signs: str) -> None:
    recording = run(config(certificates={"authority": word}))
    bundle = "".join(f"certificate cockroachdb-authority-certificate{each}\n" for each in trusted)
    assert {secret_of(recording, name, "cockroachdb-node")["ca.crt"] for name in NAMES} == {bundle}
    key = f"{PRIVATE} cockroachdb-authority-key{signs}"
    leaves = [made for made in recording.of(":LocallySignedCert") if not made.name.startswith("authority-")]
    assert len(leaves) == 6
    assert {made.inputs["caPrivateKeyPem"] for made in leaves} == {key}
    protected = {made.name for made in recording.resources if made.protect and "authority" in made.name}
    assert protected == {f"cockroachdb-authority-{what}{signs}" for what in ("key", "certificate")}, (
        "what signs is kept"
    )
    assert len(recording.of(":AuthorityCheck")) == (1 if "+" in word else 0)


def test_a_step_to_another_authority_ends_when_every_node_has_read_it() -> None:
    recording = run(config(certificates={"authority": "1+2"}))
    (check,) = recording.of(":AuthorityCheck")
    (job,) = [made for made in recording.of("batch/v1:Job") if made.parent == check.urn]
    secrets = [made for made in recording.of("core/v1:Secret") if made.parent != check.urn]
    assert {made.urn for made in secrets} <= recording.reaches(job.urn), "whatever it asks about is there"
    (completed,) = recording.of(":Completed")
    assert job.urn in recording.reaches(completed.urn)
    clients = secret_of(recording, NAMES[0], "cockroachdb-authority-check-1-2")
    assert set(clients) == {"signs.crt", "1.crt", "1.key", "2.crt", "2.key"}
    assert clients["signs.crt"] == "certificate cockroachdb-authority-certificate"


def test_other_leaves_are_other_keys_beneath_the_same_authority() -> None:
    first, second = run(config()), run(config(certificates={"leaves": 2}))
    old, new = ({made.urn for made in each.of(":PrivateKey")} for each in (first, second))
    assert len(old & new) == 1, "the authority's"
    assert len(old) == len(new)
    assert [made.inputs["spec"] for made in first.of("StatefulSet")] == [
        made.inputs["spec"] for made in second.of("StatefulSet")
    ], "nobody restarts"


def test_nodes_that_leave_are_decommissioned_after_the_sql_and_nobody_waits_for_them() -> None:
    raw = config()
    raw["regions"][1] |= {"nodes": 3, "drainingNodes": 1}
    recording = run(raw)
    (job,) = [made for made in recording.of("batch/v1:Job") if "decommission" in made.inputs["metadata"]["name"]]
    environment = {each["name"]: each.get("value") for each in container(job)["env"]}
    gone = "cockroachdb-2.cockroachdb.us-central1.svc.cluster.local"
    assert environment["ADDRESSES"] == f"{gone}:26257"
    assert environment["REGION"] == "us-central1"
    (databases,) = recording.of(":Databases")
    assert databases.urn in recording.reaches(job.urn)
    for made in recording.of("core/v1:ConfigMap"):
        if "members.json" in made.inputs["data"]:
            hosts = {member["host"] for member in json.loads(made.inputs["data"]["members.json"])}
            assert len(hosts) == 8
            assert gone not in hosts
    sizes = {region_of(made.urn): made.inputs["spec"]["replicas"] for made in recording.of("StatefulSet")}
    assert sizes == dict.fromkeys(NAMES, 3), "their pods stay"
    rollout = recording.named(":Rollout", "us-central1")
    (rolling,) = [made for made in recording.of("batch/v1:Job") if made.parent == rollout.urn]
    told = {each["name"]: each.get("value") for each in container(rolling)["env"]}
    assert (told["NODES"], told["DRAINING_NODES"]) == ("3", "1")


def container(job: Any) -> dict[str, Any]:
    return job.inputs["spec"]["template"]["spec"]["containers"][0]


def test_upgrades_are_finalised_by_a_setting() -> None:
    for finalize in (True, False):
        (databases,) = run(config(cockroachdb={"finalizeUpgrade": finalize})).of(":Databases")
        said = f"SET CLUSTER SETTING cluster.auto_upgrade.enabled = {str(finalize).lower()};"
        assert said in str(databases.outputs) or said in str(
            [made.inputs for made in run(config(cockroachdb={"finalizeUpgrade": finalize})).of("core/v1:ConfigMap")]
        )


def test_every_object_has_its_regions_explicit_provider() -> None:
    for made in run(config()).resources:
        if made.type.startswith("kubernetes:"):
            assert "-kubernetes::" in made.provider, made.urn
            region = region_of(made.urn)
            if region:
                assert f"::{region}-kubernetes::" in made.provider


def test_nodes_and_pods_outside_the_network_range_reach_sql_too() -> None:
    raw = config()
    raw["regions"][1] |= {
        "nodeCidr": "172.20.0.0/20",
        "podCidr": "172.21.0.0/16",
        "serviceCidr": "172.22.0.0/20",
        "dnsAddresses": ["172.20.0.53"],
        "sqlAddress": "172.20.0.26",
    }
    services = [made for made in run(raw).of(":Service") if made.name.endswith("-sql")]
    for service in services:
        ranges = service.inputs["spec"]["loadBalancerSourceRanges"]
        assert ranges == ["10.0.0.0/8", "172.21.0.0/16", "172.20.0.0/20"], "and no range twice"
    assert len(services) == 3


def test_pod_ip_gives_each_region_a_signer_with_an_authority_of_its_own() -> None:
    recording = run(config(strategy="pod-ip"))
    assert {made.name for made in recording.of("CertRequest")} == {
        "client-root-request",
        "client-verifier-request",
        "client-app-request",
    }, "no certificate is planned for a node"
    for index, name in enumerate(NAMES, 1):
        made = recording.named("ConstrainedCertificate", f"{name}-authority-certificate")
        assert {entry for entry in made.inputs["permitted"] if "/" in entry} == {
            f"10.{index}.128.0/17",
            f"10.{index}.16.26/32",
            f"10.{index}.16.27/32",
            "127.0.0.1/32",
        }
        assert made.inputs["authority_private_key"] == f"{PRIVATE} cockroachdb-authority-key"
        assert recording.named("core/v1:Secret", f"{name}-signer-authority")
    for made in recording.resources:
        assert not [text for text in made.plain_texts() if PRIVATE in text], made.urn
        if made.type.startswith("kubernetes:"):
            assert f"{PRIVATE} cockroachdb-authority-key" not in str(made.inputs)


def test_pod_ip_joins_and_initialises_without_any_nodes_address() -> None:
    recording = run(config(strategy="pod-ip"))
    join = recording.named("core/v1:ConfigMap", "us-east1-join").inputs["data"]
    assert join["join"] == "10.1.16.27:26257,10.2.16.27:26257,10.3.16.27:26257"
    assert json.loads(join["members.json"]) == [
        *({"region": "us-east1", "host": f"cockroachdb-{n}.cockroachdb.us-east1"} for n in range(3)),
        {"region": "us-central1", "host": "10.2.16.27", "nodes": 3},
        {"region": "us-west1", "host": "10.3.16.27", "nodes": 3},
    ]
    assert "10.1.16.27" in join["certificate-names"].split()
    init = next(made for made in recording.of("batch/v1:Job") if made.name == "cockroachdb-init-job")
    (preflight,) = init.inputs["spec"]["template"]["spec"]["initContainers"]
    environment = {entry["name"]: entry["value"] for entry in preflight["env"]}
    assert environment["INIT_HOST"] == "cockroachdb-0.cockroachdb.us-east1"
    assert environment["JOIN_HOST"] == "10.1.16.27"
    egress = recording.named("NetworkPolicy", "us-east1-egress").inputs["spec"]
    assert "10.3.16.27/32" in str(egress), "else no node joins another region"


def test_pod_ips_fourth_region_touches_no_certificate_signer_or_pod() -> None:
    three = {made.urn: made for made in run(config(strategy="pod-ip")).resources}
    names = (*NAMES, "europe-west4")
    four = {made.urn: made for made in run(config(names=names, strategy="pod-ip")).resources}
    changed = {urn: made for urn, made in three.items() if urn in four and four[urn].inputs != made.inputs}
    assert {made.type.rpartition(":")[2] for made in changed.values()} == {
        "AddressLock",
        "Completed",
        "ConfigMap",
        "NetworkPolicy",
        "Service",
    }
    services = {made.inputs["metadata"]["name"] for made in changed.values() if made.type.endswith("v1:Service")}
    assert services == {"cockroachdb-join"}, "others may join through it"


def test_nodes_of_one_address_are_dialled_at_ports_of_their_own() -> None:
    raw = config(strategy="proxy")
    made = run(raw)
    (join,) = (each for each in made.resources if each.name == f"{NAMES[0]}-join")
    data = join.wire["data"]
    assert data["cockroachdb-1.address"] == "10.1.16.28:26301"
    told = {(member["host"], member["rpc_port"], member["http_port"]) for member in json.loads(data["members.json"])}
    assert ("10.2.16.28", 26300, 28100) in told
    (init,) = (each for each in made.resources if each.name == "cockroachdb-init-job")
    pod = init.wire["spec"]["template"]["spec"]
    preflight = {each["name"]: each["value"] for each in pod["initContainers"][0]["env"]}
    assert (preflight["INIT_HOST"], preflight["RPC_PORT"]) == ("10.1.16.28", "26300")
    assert json.loads(preflight["HTTP_PORTS"])["10.2.16.28:26301"] == 28101
    (egress,) = (each for each in made.resources if each.name == f"{NAMES[0]}-egress")
    assert any(
        {"protocol": "TCP", "port": 26300, "endPort": 26349} in rule.get("ports", [])
        for rule in egress.wire["spec"]["egress"]
    )


def test_rollouts_wait_for_every_region_where_none_is_initialised_any_more() -> None:
    """Restarted nodes are found by what other regions' objects say, be the first region there or not."""
    recording = run(config(states={"us-east1": "removed"}, allowDataLoss=True, databases=[]))
    assert recording.of(":ClusterInit") == []
    rollout = recording.named(":Rollout", "us-central1")
    job = next(made for made in recording.of(":Job") if made.parent == rollout.urn)
    forwards = {made.urn for made in recording.resources if "us-west1" in made.name and ":StubDomains$" in made.urn}
    assert forwards & recording.reaches(job.urn)
