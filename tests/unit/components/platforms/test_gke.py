"""A region's GKE cluster: private, without SNAT, with kube-dns, and usable once there are hosts."""

import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pulumi
import pytest
from pulumi.output import contains_unknowns

from components.platforms import gke
from components.platforms.gke import GkeCluster, GkeClusterArgs
from components.platforms.kubernetes_provider import NO_CLUSTER
from tests.unit.recording import Recording, record


def cluster_args(**more: Any) -> GkeClusterArgs:
    args: dict[str, Any] = {
        "project": "my-project",
        "location": "us-east1",
        "zones": ["us-east1-b", "us-east1-c", "us-east1-d"],
        "nodes": 3,
        "network": "vpc-id",
        "nodes_subnet": "nodes-id",
        "balancers_subnet": "us-east1-balancers-1234567",
        "control_plane_cidr": "10.1.17.0/28",
        **more,
    }
    return args  # pyright: ignore[reportReturnType]


def outputs(args: Any) -> dict[str, Any]:
    if args.typ == "gcp:container/cluster:Cluster":
        return {
            "name": f"{args.name}-1234567",
            "endpoint": "10.1.17.2",
            "masterAuth": {"clusterCaCertificate": "Q0E=", "clientKey": pulumi.Output.secret("key")},
        }
    if args.typ == "gcp:serviceaccount/account:Account":
        email = f"{args.inputs['accountId']}@my-project.iam.gserviceaccount.com"
        return {"email": email, "member": f"serviceAccount:{email}"}
    return {}


def made(*, preview: bool = False, **more: Any) -> Recording:
    def program() -> dict[str, Any]:
        cluster = GkeCluster("us-east1", cluster_args(**more))
        return {
            "kubeconfig": cluster.kubeconfig,
            "secret": cluster.kubeconfig.is_secret(),
            "context": cluster.context,
            "annotations": cluster.balancing.annotations,
            "split": cluster.balancing.split_protocols,
            "storage_class": cluster.storage_class,
            "owns_dns_text": cluster.owns_dns_text,
        }

    return record(program, outputs if not preview else lambda _: {}, preview=preview)


def inputs(**more: Any) -> dict[str, Any]:
    return made(**more).named(":Cluster", "us-east1-cluster").inputs


def test_a_preview_has_the_same_graph_as_an_update() -> None:
    assert made().graph() == made(preview=True).graph()


def test_hosts_are_spread_over_the_zones_of_a_regional_cluster() -> None:
    recording = made(nodes=4)
    cluster = recording.named(":Cluster", "us-east1-cluster").inputs
    pool = recording.named(":NodePool", "us-east1-nodes").inputs
    for each in (cluster, pool):
        assert each["location"] == "us-east1"
        assert each["nodeLocations"] == ["us-east1-b", "us-east1-c", "us-east1-d"]
    assert pool["nodeCount"] == 2, "per zone: four nodes need a second host in one zone"
    assert pool["cluster"] == "us-east1-cluster-1234567"
    assert cluster["removeDefaultNodePool"] is True


def test_pods_have_their_own_addresses_in_the_vpc_and_keep_them_on_the_way_out() -> None:
    cluster = inputs()
    assert (cluster["network"], cluster["subnetwork"]) == ("vpc-id", "nodes-id")
    assert cluster["networkingMode"] == "VPC_NATIVE"
    assert cluster["ipAllocationPolicy"] == {
        "clusterSecondaryRangeName": "pods",
        "servicesSecondaryRangeName": "services",
    }
    assert cluster["defaultSnatStatus"] == {"disabled": True}
    assert cluster["datapathProvider"] == "ADVANCED_DATAPATH"


def test_load_balancers_are_internal_and_open_no_rule_of_their_own() -> None:
    recording = made()
    cluster = recording.named(":Cluster", "us-east1-cluster").inputs
    assert cluster["enableL4IlbSubsetting"] is True
    assert cluster["disableL4LbFirewallReconciliation"] is True
    assert recording.result["split"] is True
    assert recording.result["annotations"] == {
        "networking.gke.io/load-balancer-type": "Internal",
        "networking.gke.io/internal-load-balancer-allow-global-access": "true",
        "networking.gke.io/internal-load-balancer-subnet": "us-east1-balancers-1234567",
    }


def test_stub_domains_and_the_node_local_cache_work_together() -> None:
    cluster = inputs()
    assert cluster["dnsConfig"] == {"clusterDns": "KUBE_DNS"}
    assert cluster["addonsConfig"]["dnsCacheConfig"] == {"enabled": True}


def test_for_private_ranges_there_is_no_public_endpoint() -> None:
    cluster = inputs(authorized_cidrs=["10.0.0.0/8"])
    assert cluster["privateClusterConfig"] == {
        "enablePrivateNodes": True,
        "enablePrivateEndpoint": True,
        "masterIpv4CidrBlock": "10.1.17.0/28",
        "masterGlobalAccessConfig": {"enabled": True},
    }
    assert cluster["masterAuthorizedNetworksConfig"] == {
        "cidrBlocks": [{"cidrBlock": "10.0.0.0/8"}],
        "gcpPublicCidrsAccessEnabled": False,
    }


def test_a_public_endpoint_answers_the_authorised_ranges_only_and_hosts_stay_private() -> None:
    cluster = inputs(authorized_cidrs=["203.0.113.0/24"])
    assert cluster["privateClusterConfig"]["enablePrivateEndpoint"] is False
    assert cluster["privateClusterConfig"]["enablePrivateNodes"] is True
    assert cluster["masterAuthorizedNetworksConfig"]["cidrBlocks"] == [{"cidrBlock": "203.0.113.0/24"}]


def test_hosts_have_an_account_that_may_write_logs_and_metrics_and_no_more() -> None:
    recording = made()
    account = recording.named(":Account", "us-east1-nodes")
    email = f"{account.inputs['accountId']}@my-project.iam.gserviceaccount.com"
    (role,) = recording.of(":IAMMember")
    assert role.inputs == {
        "project": "my-project",
        "role": "roles/container.defaultNodeServiceAccount",
        "member": f"serviceAccount:{email}",
    }
    pool = recording.named(":NodePool", "us-east1-nodes")
    assert pool.inputs["nodeConfig"]["serviceAccount"] == email
    assert role.urn in pool.dependencies, "hosts that start without it write no logs"
    cluster = recording.named(":Cluster", "us-east1-cluster")
    assert cluster.inputs["nodeConfig"]["serviceAccount"] == email, "not the project's editor, even for a minute"
    assert cluster.ignore_changes == ("nodeConfig",)


def test_hosts_are_shielded_and_firewall_rules_find_them() -> None:
    pool = made().named(":NodePool", "us-east1-nodes").inputs
    assert pool["nodeConfig"]["tags"] == ["cockroachdb"]
    assert pool["nodeConfig"]["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
    assert pool["nodeConfig"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert pool["management"] == {"autoRepair": True, "autoUpgrade": True}
    assert pool["upgradeSettings"] == {"maxSurge": 1, "maxUnavailable": 0}
    cluster = inputs()
    assert cluster["enableShieldedNodes"] is True
    assert cluster["workloadIdentityConfig"] == {"workloadPool": "my-project.svc.id.goog"}


@pytest.mark.parametrize(("more", "protected"), [({}, True), ({"deletion_protection": False}, False)])
def test_a_cluster_is_protected_from_deletion_unless_asked_for(more: dict[str, Any], protected: bool) -> None:
    assert inputs(**more)["deletionProtection"] is protected


def test_disks_outlive_their_claims_and_are_made_where_the_pod_is() -> None:
    recording = made(storage_type="hyperdisk-balanced")
    storage = recording.named(":StorageClass", "us-east1-storage")
    assert storage.inputs["metadata"]["name"] == recording.result["storage_class"] == "cockroachdb"
    assert storage.inputs["provisioner"] == "pd.csi.storage.gke.io"
    assert storage.inputs["parameters"] == {"type": "hyperdisk-balanced"}
    assert storage.inputs["reclaimPolicy"] == "Retain"
    assert storage.inputs["volumeBindingMode"] == "WaitForFirstConsumer"
    assert storage.inputs["allowVolumeExpansion"] is True
    provider = recording.named("providers:kubernetes", "us-east1-kubernetes")
    assert storage.provider.startswith(provider.urn)
    assert recording.result["owns_dns_text"] is False


def test_the_kubeconfig_is_a_text_without_a_credential_that_asks_for_a_token() -> None:
    recording = made()
    assert recording.result["secret"] is False
    config = json.loads(recording.result["kubeconfig"])
    assert config["current-context"] == recording.result["context"] == "us-east1"
    assert config["clusters"] == [
        {
            "name": "us-east1",
            "cluster": {"server": "https://10.1.17.2", "certificate-authority-data": "Q0E="},
        }
    ]
    assert config["contexts"] == [{"name": "us-east1", "context": {"cluster": "us-east1", "user": "us-east1"}}]
    ((user),) = config["users"]
    assert user == {
        "name": "us-east1",
        "user": {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": "gke-gcloud-auth-plugin",
                "args": ["--use_application_default_credentials"],
                "interactiveMode": "Never",
                "provideClusterInfo": True,
            }
        },
    }
    provider = recording.named("providers:kubernetes", "us-east1-kubernetes").inputs
    assert provider["kubeconfig"] == recording.result["kubeconfig"]
    assert provider["context"] == provider["clusterIdentifier"] == "us-east1"


@pytest.mark.parametrize("preview", [False, True])
def test_nothing_is_sent_to_a_cluster_before_it_has_hosts(preview: bool) -> None:
    recording = made(preview=preview)
    pool = recording.named(":NodePool", "us-east1-nodes")
    provider = recording.named("providers:kubernetes", "us-east1-kubernetes")
    assert pool.urn in recording.reaches(provider.urn)
    assert contains_unknowns(recording.result["kubeconfig"]) is preview


def test_a_lost_region_is_asked_nothing_and_keeps_what_the_cloud_has() -> None:
    lost, alive = made(lost=True), made()
    provider = lost.named("providers:kubernetes", "us-east1-kubernetes").inputs
    assert provider["kubeconfig"] == NO_CLUSTER
    assert provider["clusterIdentifier"] == "us-east1"
    assert provider["deleteUnreachable"] == provider["skipUpdateUnreachable"] == "true"
    assert "context" not in provider
    assert not lost.of(":StorageClass"), "its objects leave the state"

    def cloud(recording: Recording) -> dict[str, Any]:
        return {each.urn: each.inputs for each in recording.resources if each.type.startswith("gcp:")}

    assert cloud(lost) == cloud(alive)
    assert lost.result["kubeconfig"] == alive.result["kubeconfig"]


def test_an_account_id_is_one_that_google_takes_and_each_stacks_own() -> None:
    regions = ["us-east1", "northamerica-northeast1", "a", "eu-central-1-frankfurt-2"]
    ids = {gke.account_id("project", stack, region) for stack in ("a", "b") for region in regions}
    assert len(ids) == 8
    for each in ids:
        assert 6 <= len(each) <= 30
        assert each.replace("-", "").isalnum()
        assert each[0].isalpha()
        assert not each.endswith("-")


def test_two_clusters_upgrade_at_the_same_time_only_past_the_fourteenth() -> None:
    def hours(slot: int) -> tuple[datetime, datetime]:
        window = gke.maintenance_window(slot)
        return datetime.fromisoformat(window["start_time"]), datetime.fromisoformat(window["end_time"])  # pyright: ignore[reportArgumentType]

    weekly = sorted(hours(slot) for slot in range(gke.SLOTS))
    assert all(end <= start for (_, end), (start, _) in pairwise(weekly))
    assert weekly[-1][1] - weekly[0][0] == timedelta(weeks=1)
    assert all(4 * (end - start) >= timedelta(hours=48) for start, end in weekly), "GKE wants 48 hours in 32 days"
    assert gke.maintenance_window(3) == {
        "start_time": "2024-01-02T12:00:00Z",
        "end_time": "2024-01-03T00:00:00Z",
        "recurrence": "FREQ=WEEKLY;BYDAY=TU",
    }
    assert gke.maintenance_window(14) == gke.maintenance_window(0)
