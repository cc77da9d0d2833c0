"""`cloud-dns`: on GKE, whose cloud answers names."""

from tests.lab.stack import Json, both_clouds, small_config
from tests.lab.strategies import NAMES, Scene

PLACES = ("us-east1", "us-central1", "us-west1")


def config(nodes: int) -> Json:
    """One zone each. The last region has a domain of its own choice."""
    regions: list[Json] = [
        {"name": name, "platform": "gke", "location": place, "zones": [f"{place}-b"], "nodes": 1}
        for name, place in zip(NAMES, PLACES, strict=True)
    ]
    regions[0]["nodes"] = nodes
    regions[2]["strategyOptions"] = {"domain": "gamma.database.example"}
    return {**small_config(*regions), "gcp": both_clouds()["gcp"]}


SCENE = Scene(
    config,
    faults=(("kill-resolver", "beta"),),
    blamed="source",
    pinned="the program makes a host for each node: there is no other in its zone before the node pool has a new one",
)
