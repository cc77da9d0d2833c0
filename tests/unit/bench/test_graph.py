"""Critical path and edges between regions, on graphs small enough to draw."""

from typing import Any

from bench import durations, graph

STACK = "urn:pulumi:bench::p::pulumi:pulumi:Stack::p-bench"
EAST_PROVIDER = "urn:pulumi:bench::p::x:index:Cluster$pulumi:providers:kubernetes::east-kubernetes"
WEST_PROVIDER = "urn:pulumi:bench::p::x:index:Cluster$pulumi:providers:kubernetes::west-kubernetes"


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:bench::p::{kind}::{name}"


def resource(kind: str, name: str, *dependencies: str, provider: str | None = None, **fields: Any) -> graph.Resource:
    made: graph.Resource = {"urn": urn(kind, name), "dependencies": list(dependencies), **fields}
    return made if provider is None else {**made, "provider": f"{provider}::id"}


def seconds(name: str) -> float:
    return {"a": 1.0, "b": 2.0, "c": 4.0, "d": 1.0}.get(name.rsplit("::", 1)[-1], 0.0)


DIAMOND = [
    resource("k", "a"),
    resource("k", "b", urn("k", "a")),
    resource("k", "c", urn("k", "a")),
    resource("k", "d", urn("k", "b"), urn("k", "c")),
]


def test_the_longest_branch_is_the_critical_path() -> None:
    path = graph.critical_path(DIAMOND, seconds)
    assert path.seconds == 6.0
    assert path.urns == (urn("k", "a"), urn("k", "c"), urn("k", "d"))
    assert graph.in_order(DIAMOND, seconds) == 8.0


def test_an_empty_graph_takes_no_time() -> None:
    assert graph.critical_path([], seconds) == graph.Path(0.0, ())


def test_parents_providers_and_property_dependencies_are_waited_for() -> None:
    one = resource(
        "k",
        "d",
        urn("k", "a"),
        provider=EAST_PROVIDER,
        parent=STACK,
        propertyDependencies={"x": [urn("k", "b")], "y": None},
    )
    assert graph.waits_for(one) == {urn("k", "a"), urn("k", "b"), EAST_PROVIDER, STACK}


def test_edges_between_regions_are_counted_by_step() -> None:
    east = resource("x:index:Region$kubernetes:core/v1:Namespace", "namespace-1", provider=EAST_PROVIDER)
    west = resource("x:index:Region$kubernetes:core/v1:Namespace", "namespace-2", provider=WEST_PROVIDER)
    init = resource("x:index:Init", "init", east["urn"], west["urn"])
    job = resource("x:index:Init$kubernetes:batch/v1:Job", "job", provider=EAST_PROVIDER, parent=init["urn"])
    everything = [east, west, init, job]
    assert graph.regions_of(everything, ["east", "west"])[init["urn"]] == "east"
    assert graph.edges_between_regions(everything, ["east", "west"]) == {("Init", "Region"): 1}


def test_a_region_s_name_inside_another_word_is_not_that_region() -> None:
    one = resource("k", "northeast-thing")
    assert graph.regions_of([one], ["east"]) == {}


def test_what_the_engine_keeps_itself_takes_no_time() -> None:
    assert durations.seconds(STACK) == durations.seconds(EAST_PROVIDER) == 0.0
    assert durations.seconds(urn("cockroachdb-multiregion:index:ClusterInit", "cockroachdb-init")) == 0.0


def test_the_model_knows_its_long_steps() -> None:
    job = "cockroachdb-multiregion:index:{}$kubernetes:batch/v1:Job"
    assert durations.seconds(urn(job.format("ClusterInit"), "cockroachdb-init-job")) == 60.0
    assert durations.seconds(urn(job.format("Rollout"), "us-east1-0a1b")) == 4.0
    assert durations.seconds(urn(job.format("Databases"), "cockroachdb-databases-0a1b")) == 12.0
    assert durations.seconds(urn("kubernetes:core/v1:ConfigMap", "x")) == durations.DEFAULT


def kind_seconds(name: str) -> float:
    return {"east-cluster": 400.0, "west-cluster": 300.0, "east-pool": 60.0, "init": 10.0}.get(
        name.rsplit("::", 1)[-1], 0.0
    )


EAST_CLUSTER = resource("gcp:container/cluster:Cluster", "east-cluster")
WEST_CLUSTER = resource("gcp:container/cluster:Cluster", "west-cluster")
EAST_POOL = resource("x:index:GkeCluster$gcp:container/nodePool:NodePool", "east-pool", EAST_CLUSTER["urn"])
INIT = resource("x:index:ClusterInit", "init", EAST_POOL["urn"], WEST_CLUSTER["urn"], provider=EAST_PROVIDER)
CLOUD = [EAST_CLUSTER, WEST_CLUSTER, EAST_POOL, INIT]


def test_region_after_region_leaves_a_region_its_own_parallelism() -> None:
    regions = ["east", "west"]
    assert graph.critical_path(CLOUD, kind_seconds).seconds == 470.0
    # East's own chain, init included, since it runs there; then west's.
    assert graph.region_after_region(CLOUD, regions, kind_seconds) == 770.0
    twice = [*CLOUD, resource("k", "init", EAST_CLUSTER["urn"])]
    assert graph.region_after_region(twice, regions, kind_seconds) == 780.0, "what is nobody's comes last"
    assert graph.in_order(CLOUD, kind_seconds) == 770.0


def test_who_waits_for_another_region_s_cluster_is_seen_through_others() -> None:
    far = resource("x:index:Thing", "east-thing", urn("k", "between"))
    between = resource("k", "between", WEST_CLUSTER["urn"])
    assert graph.waits_for_clusters(CLOUD, ["east", "west"]) == {"ClusterInit": 1}
    assert graph.waits_for_clusters([*CLOUD, between, far], ["east", "west"]) == {"ClusterInit": 1, "Thing": 1}
