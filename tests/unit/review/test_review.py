"""What reviewers read of a preview: of the real program's, as recordings give them, and of tampered ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.strategies import AVAILABLE
from review import __main__ as command
from review.kinds import Touches, touches
from review.preview import Preview, read
from review.render import markdown, text
from review.report import Report, report
from review.risk import Severity
from review.risks import risks
from tests.lab.strategies import stack_options
from tests.unit.review import previews
from tests.unit.review.previews import config, preview, replaced, step, with_region

THREE = config("us-east1", "us-central1", "us-west1")
FOUR = config("us-east1", "us-central1", "us-west1", "europe-west4")
UPGRADED = {**THREE, "cockroachdb": {"version": "v26.2.5"}}
OLDER = {**THREE, "cockroachdb": {"version": "v26.2.4"}}

Document = dict[str, Any]


@pytest.fixture(autouse=True)
def kubeconfigs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they say is read from files that are not here."""
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")


@pytest.fixture
def same() -> Document:
    """A preview in which nothing changes."""
    three = previews.recorded(THREE)
    return previews.document(three, three)


def counts(found: Report) -> dict[str, tuple[int, int, int, int]]:
    return {region: row.counts for row in found.rows for region in row.regions}


def refused(found: Preview) -> list[str]:
    return [f"{risk.where}: {risk.message}" for risk in risks(found) if risk.severity is Severity.REFUSED]


def section(found: Report, title: str) -> tuple[str, ...]:
    return dict(found.sections).get(title, ())


def test_nothing_changes(same: Document) -> None:
    found = report(read(same))
    assert (found.total, found.turns, found.risks, found.sections) == (0, (), (), ())
    assert text(found).startswith("stack: no resource changes, nothing refused\n")


def test_an_upgrade_restarts_region_after_region() -> None:
    found = report(preview(OLDER, UPGRADED))
    assert [(turn.region, turn.pods) for turn in found.turns] == [("us-east1", 3), ("us-central1", 3), ("us-west1", 3)]
    (why,) = {turn.why for turn in found.turns}
    assert why == (
        "containers[0].image: docker.io/cockroachdb/cockroach:v26.2.4 → docker.io/cockroachdb/cockroach:v26.2.5",
    )
    assert not found.refused
    assert counts(found) == dict.fromkeys(("us-east1", "us-central1", "us-west1"), (0, 1, 0, 0))
    assert "us-east1 (3) → us-central1 (3) → us-west1 (3): containers[0].image" in text(found)


def test_a_new_region_restarts_nobody() -> None:
    found = report(preview(THREE, FOUR))
    assert found.turns == ()
    made, *others = (counts(found)[region] for region in ("europe-west4", "us-east1", "us-central1", "us-west1"))
    assert made[0] > 20
    assert made[1:] == (0, 0, 0)
    assert {other[0] + other[2] + other[3] for other in others} == {0}, "the others' objects are only updated"
    (forwards,) = [line for line in section(found, "DNS") if line.startswith("update DnsForwards")]
    assert forwards == (
        "update DnsForwards stub-domains-forwards in us-east1, us-central1, us-west1: "
        'forwards.europe-west4.svc.cluster.local: nothing → ["10.4.16.53"]'
    )
    assert any("NetworkPolicy database" in line and "10.4.128.0/17" in line for line in section(found, "network"))
    assert section(found, "certificates")


def test_more_nodes_restart_nobody_and_fewer_are_told() -> None:
    more = report(preview(THREE, with_region(THREE, 1, nodes=4)))
    assert (more.turns, more.refused) == ((), [])
    lossy = {**THREE, "allowDataLoss": True}
    (fewer,) = [risk for risk in risks(preview(lossy, with_region(lossy, 1, nodes=2))) if "takes" in risk.message]
    assert (fewer.where, fewer.severity) == ("us-central1", Severity.CAREFUL)


def test_a_draining_region_leaves_the_membership_and_a_removed_one_goes() -> None:
    draining = with_region(FOUR, 3, state="draining")
    leaving = report(preview(FOUR, draining))
    assert "nodes of europe-west4 leave the membership, their replicas first" in section(leaving, "what runs once")
    assert [risk.where for risk in leaving.risks] == ["europe-west4"]
    gone = preview(draining, with_region(FOUR, 3, state="removed"))
    assert refused(gone) == []
    assert counts(report(gone))["europe-west4"][3] > 20


def test_a_restore_is_told_and_its_end_is_nobodys_loss() -> None:
    copy = {"name": "copy", "owner": "app", "primaryRegion": "us-east1"}
    source = {"database": "bank", "uri": "gs://bank/backups?AUTH=implicit"}
    asked = {**THREE, "databases": [*THREE["databases"], {**copy, "restoredFrom": source}]}
    ended = {**THREE, "databases": [*THREE["databases"], copy]}
    restoring, ending = preview(THREE, asked), preview(asked, ended)
    assert section(report(restoring), "what runs once")[0] == "the database copy restored from a backup"
    assert refused(restoring) == refused(ending) == []
    assert not report(ending).risks


def test_a_region_that_goes_with_its_data_has_to_be_meant() -> None:
    removed = with_region(FOUR, 3, state="removed")
    assert any("deletes Namespace europe-west4-namespace" in line for line in refused(preview(FOUR, removed)))
    lossy = preview({**FOUR, "allowDataLoss": True}, {**removed, "allowDataLoss": True})
    assert refused(lossy) == []
    assert any("active → removed" in risk.message and "with its data" in risk.message for risk in risks(lossy))


@pytest.mark.parametrize(
    ("types", "name", "kind"),
    [
        ("cockroachdb-multiregion:index:CockroachRegion$kubernetes:apps/v1:StatefulSet", "a-nodes", Touches.NODES),
        ("cockroachdb-multiregion:index:CockroachRegion$kubernetes:core/v1:ConfigMap", "a-join", Touches.NODES),
        (
            "cockroachdb-multiregion:index:CockroachRegion$kubernetes:core/v1:Secret",
            "cockroachdb-node",
            Touches.CERTIFICATES,
        ),
        ("cockroachdb-multiregion:index:CockroachRegion$kubernetes:core/v1:Service", "a-sql", Touches.NETWORK),
        ("cockroachdb-multiregion:index:NodeSigner$kubernetes:apps/v1:Deployment", "a-signer", Touches.CERTIFICATES),
        ("cockroachdb-multiregion:index:DnsLoadBalancer$kubernetes:core/v1:Service", "a-dns", Touches.DNS),
        ("cockroachdb-multiregion:index:NodeProxies$kubernetes:apps/v1:Deployment", "a-proxies", Touches.NETWORK),
        (
            "cockroachdb-multiregion:index:Rollout$kubernetes:rbac.authorization.k8s.io/v1:Role",
            "a-role",
            Touches.ACCESS,
        ),
        ("cockroachdb-multiregion:index:Rollout$kubernetes:core/v1:ServiceAccount", "a-account", Touches.ACCESS),
        ("cockroachdb-multiregion:index:EksCluster$aws:ec2/launchTemplate:LaunchTemplate", "a-hosts", Touches.CLUSTERS),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "a-sql-tcp", Touches.NETWORK),
        ("gcp:compute/firewall:Firewall", "gcp-nodes", Touches.NETWORK),
        ("gcp:dns/managedZone:ManagedZone", "a-zone", Touches.DNS),
        ("tls:index/privateKey:PrivateKey", "a-node-key", Touches.CERTIFICATES),
    ],
)
def test_what_a_resource_is_about(types: str, name: str, kind: Touches) -> None:
    inputs = {"metadata": {"name": name}}
    urn = f"urn:pulumi:dev::cockroachdb-multiregion::{types}::{name}"
    raw = {"op": "create", "urn": urn, "newState": {"custom": True, "inputs": inputs}}
    (step,) = read({"steps": [raw], "changeSummary": {}}).steps
    assert touches(step) is kind


@pytest.mark.long
@pytest.mark.parametrize("strategy", [name for name in AVAILABLE if name != "cloud-dns"])
def test_a_first_preview_of_every_strategy_is_refused_nothing(strategy: str) -> None:
    raw = config("us-east1", "us-central1", "us-west1", strategy=strategy, strategyOptions=stack_options(strategy))
    found = preview(None, raw)
    assert risks(found) == []
    assert {line for title, lines in report(found).sections if title == "others" for line in lines} == set()


def test_a_lost_region_is_refused_nothing() -> None:
    (risk,) = risks(preview(FOUR, with_region(FOUR, 3, state="lost")))
    assert (risk.severity, risk.where) == (Severity.CAREFUL, "europe-west4")
    assert "its objects leave the state" in risk.message


@pytest.mark.parametrize("count", [10, pytest.param(27, marks=pytest.mark.long)])
def test_many_regions_are_as_short_as_3(count: int) -> None:
    names = [f"region-{number:02}" for number in range(1, count + 1)]
    before, after = ({**config(*names), "cockroachdb": {"version": version}} for version in ("v26.1.4", "v26.2.5"))
    shown = markdown(report(preview(before, after)))
    assert len(shown.splitlines()) < 25
    assert f"| each of the {count} regions | · | 1 each | · | · | 3 each | nodes |" in shown
    assert f"region-{count - 1:02} (3) → region-{count:02} (3): containers[0].image" in shown
    assert "upgrade from v26.1.4 to v26.2.5, another release series" in shown
    new = markdown(report(preview(before, config(*names, "other", cockroachdb={"version": "v26.1.4"}))))
    assert len(new) < 5000
    assert f"region-01, region-02, region-03, region-04, region-05 and {count - 5} more" in new


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (
            lambda it: replaced(it, ":StatefulSet", "us-west1-nodes", "spec.volumeClaimTemplates", "spec.replicas"),
            "us-west1: makes anew (forced by spec.volumeClaimTemplates) StatefulSet us-west1-nodes, and nodes' data",
        ),
        (lambda it: gone(it, ":StatefulSet", "us-west1-nodes"), "us-west1: deletes StatefulSet us-west1-nodes"),
        (
            lambda it: replaced(it, ":Namespace", "us-east1-namespace", "metadata.name"),
            "us-east1: makes anew (forced by metadata.name) Namespace us-east1-namespace",
        ),
        (
            lambda it: change(it, "spec.persistentVolumeClaimRetentionPolicy.whenScaled", "Delete"),
            "us-east1: StatefulSet us-east1-nodes deletes volume claims with its pods",
        ),
        (
            lambda it: change(it, "spec.updateStrategy.type", "RollingUpdate"),
            "us-east1: StatefulSet us-east1-nodes would restart its pods by itself, in several regions at a time",
        ),
        (lambda it: script(it, "--certs-dir=", "--insecure --x="), "starts nodes with --insecure"),
        (lambda it: script(it, "--certs-dir=", "--certs="), "starts nodes without --certs-dir"),
        (
            lambda it: script(it, "region=us-east1,", "region=us-east9,"),
            "us-east1: --locality: --locality=region=us-east1,zone=$(cat → --locality=region=us-east9,zone=$(cat: "
            "replicas would be placed as if the region had moved",
        ),
        (lambda it: script(it, "cockroach-data", "data"), "nodes would start on another store, as new ones"),
        (
            lambda it: step(it, ":Job", "cockroachdb-init-job").update(op="update"),
            "all regions: Job cockroachdb-init-job would run `cockroach init` again",
        ),
        (
            lambda it: replaced(it, ":SelfSignedCert", "cockroachdb-authority-certificate", "subject"),
            "all regions: SelfSignedCert cockroachdb-authority-certificate goes before another authority is trusted",
        ),
        (
            lambda it: step(it, ":Secret", "us-east1-node")["newState"]["inputs"].update(data={"node.key": "a2V5"}),
            "us-east1: Secret us-east1-node holds a secret in plain text",
        ),
        (
            lambda it: step(it, ":Stash", "us-east1-guard")["newState"].update(protect=False),
            "us-east1: the region's guard opens",
        ),
        (
            lambda it: it["diagnostics"].append(
                {"severity": "error", "message": "error: regions[1].cidr: would move\n"}
            ),
            "regions[1].cidr: would move",
        ),
    ],
)
def test_dangers_are_refused(same: Document, tamper: Callable[[Document], object], message: str) -> None:
    assert refused(read(same)) == []
    tamper(same)
    found = refused(read(same))
    assert len(found) == 1, found
    assert message in found[0]


def test_two_regions_at_once_are_refused() -> None:
    document = previews.document(previews.recorded(OLDER), previews.recorded(UPGRADED))
    assert refused(read(document)) == []
    chained = step(document, ":Rollout", "us-west1")["newState"]
    chained["dependencies"] = [urn for urn in chained["dependencies"] if ":Rollout" not in urn]
    assert refused(read(document)) == [
        f"all regions: pods of us-west1 and {other} would restart at the same time, which can take the quorum away; "
        "each region's Rollout has to depend on the one before it"
        for other in ("us-east1", "us-central1")
    ]


def test_what_may_lose_data_says_so_instead_of_refusing(same: Document) -> None:
    replaced(same, ":StatefulSet", "us-west1-nodes", "spec.selector")
    lock = step(same, ":AddressLock", "addresses")["newState"]["inputs"]
    lock["record"] = json.dumps({**json.loads(lock["record"]), "allowDataLoss": True})
    found = risks(read(same))
    assert [risk.severity for risk in found] == [Severity.CAREFUL]
    assert "allowDataLoss: true allows it" in found[0].message


def test_an_init_that_failed_may_run_again(same: Document) -> None:
    replaced(same, ":Job", "cockroachdb-init-job")
    assert refused(read(same)) == []
    step(same, ":Job", "cockroachdb-init-job")["oldState"]["outputs"] = {"status": {"succeeded": 1}}
    assert len(refused(read(same))) == 1


def test_a_preview_that_stopped_says_why_in_the_programs_own_words(same: Document) -> None:
    engine = "error: pulumi-python:dynamic/multiregion:AddressLock resource 'addresses' has a problem: "
    own = "cockroachdb.clusterName: x cannot be rolled out node by node; put back cockroachdb-multiregion"
    echo = {"severity": "error", "message": "error: an unhandled error occurred: the program ended with exit code 1"}
    same["diagnostics"] = [{"severity": "error", "message": f"{engine}{own}\n"}, echo, {"message": "a warning"}]
    shown = markdown(report(read(same)))
    assert shown == f"### stack: the preview stopped at an error, 1 refused\n\n**Refused**\n\n- {own}\n"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            'Preview failed: resource "urn:pulumi:dev::p::pulumi:index:Stash::us-east1-guard" cannot be deleted\n'
            "because it is protected. To unprotect the resource, … `pulumi state unprotect 'urn:pulumi:…'`",
            "Stash us-east1-guard is protected and would go: it stands before its region's data; if losing them is "
            "meant, set allowDataLoss: true and `pulumi up` first",
        ),
        (
            'unable to replace resource "urn:pulumi:dev::p::a:index:CertificateAuthority$tls:index/selfSignedCert:'
            'SelfSignedCert::cockroachdb-authority-certificate"\nas it is currently marked for protection. To …',
            "SelfSignedCert cockroachdb-authority-certificate is protected and would go: without it no node can ever "
            "join again; put back what changed it",
        ),
    ],
)
def test_nobody_is_told_to_unprotect_what_holds_data(same: Document, message: str, told: str) -> None:
    same["diagnostics"] = [{"severity": "error", "message": f"error: {message}\n"}]
    assert refused(read(same)) == [f": {told}"]


def test_a_preview_without_what_stays_is_no_ground_to_judge_by(same: Document) -> None:
    same["steps"] = [each for each in same["steps"] if not each["urn"].endswith(":Rollout::us-west1")]
    with pytest.raises(ValueError, match="preview with --json --show-sames"):
        read(same)


def test_a_change_is_said_once() -> None:
    urn = "urn:pulumi:dev::p::tls:index/selfSignedCert:SelfSignedCert::a"
    states = {key: {"custom": True, "inputs": {"subject": {"commonName": key}}} for key in ("oldState", "newState")}
    diff = {"subject": {"kind": "update-replace"}, "privateKeyPem": {"kind": "update"}}
    raw = {"op": "replace", "urn": urn, **states, "detailedDiff": diff, "replaceReasons": ["subject"]}
    (step,) = read({"steps": [raw], "changeSummary": {}}).steps
    assert list(step.changes()) == ["subject.commonName", "privateKeyPem"]
    assert step.forced_by == ("subject",)


def test_a_way_between_regions_that_goes_is_shown(same: Document) -> None:
    replaced(same, ":Service", "us-east1-stub-domains-dns-service", "spec.type")
    (risk,) = risks(read(same))
    assert (risk.severity, risk.where) == (Severity.CAREFUL, "us-east1")
    assert risk.message == (
        "Service us-east1-stub-domains-dns-service is made anew (forced by spec.type): it is gone for a moment (DNS)"
    )


def test_the_command_and_its_exit_codes(tmp_path: Path, same: Document, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "preview.json"
    stack_file = tmp_path / "Pulumi.dev.yaml"
    stack_file.write_text(yaml.safe_dump({"config": {f"cockroachdb-multiregion:{key}": THREE[key] for key in THREE}}))

    def run(document: object, *flags: str) -> tuple[int, str]:
        file.write_text(json.dumps(document))
        code = command.main([str(file), *flags])
        return code, "".join(capsys.readouterr())

    assert run(same, "--stack-file", str(stack_file))[0] == 0
    code, shown = run({"steps": []})
    assert (code, "not the output of `pulumi preview --json`" in shown) == (1, True)
    assert run(same, "--stack-file", str(tmp_path / "none.yaml"))[0] == 1
    stack_file.write_text(stack_file.read_text().replace("us-west1", "us-west9"))
    code, shown = run(same, "--stack-file", str(stack_file))
    assert (code, "the preview is of another config; preview again" in shown) == (1, True)
    replaced(same, ":StatefulSet", "us-west1-nodes")
    code, shown = run(same, "--markdown")
    assert code == 2
    assert "**Refused**\n\n- us-west1: makes anew StatefulSet nodes" in shown


def gone(document: Document, type_end: str, name: str) -> None:
    it = step(document, type_end, name)
    it["op"] = "delete"
    del it["newState"]


def change(document: Document, path: str, value: object) -> None:
    it = step(document, ":StatefulSet", "us-east1-nodes")
    it["op"] = "update"
    *keys, last = path.split(".")
    inputs = it["newState"]["inputs"]
    for key in keys:
        inputs = inputs[key]
    inputs[last] = value


def script(document: Document, old: str, new: str) -> None:
    """Let the nodes of us-east1 start otherwise."""
    it = step(document, ":StatefulSet", "us-east1-nodes")
    it["op"] = "update"
    command = it["newState"]["inputs"]["spec"]["template"]["spec"]["containers"][0]["command"]
    assert old in command[-1]
    command[-1] = command[-1].replace(old, new)
