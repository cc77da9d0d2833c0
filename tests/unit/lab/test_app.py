"""`make app`: the example's config in a lab, and what is shown of its pods."""

from fnmatch import fnmatch
from pathlib import Path

from lab import app
from lab.images import images
from lab.paths import LabPaths

PATHS = LabPaths("shop", Path("/labs/shop"))
URL = "postgresql://app@10.1.16.26:26257/bank?sslmode=verify-full"


def test_the_example_runs_where_the_labs_stack_takes_clients() -> None:
    urls = {"shop": {"alpha": URL}, "bank": {"alpha": URL, "beta": URL}}
    config = app.in_lab(app.read_example(), PATHS, "small", urls)
    assert config["databaseStack"] == "organization/cockroachdb-multiregion/small"
    assert config["database"] == "bank"
    assert config["regions"] == {"alpha": "alpha", "beta": "beta"}
    assert config["kubeconfig"] == "/labs/shop/kubeconfig"
    assert config["image"] == app.read_example()["image"]
    assert app.in_lab(app.read_example(), PATHS, "small", {"shop": urls["shop"]})["database"] == "shop"


def test_its_image_is_one_that_the_lab_has() -> None:
    image = app.read_example()["image"]
    (found,) = (entry for pattern, entry in images().items() if fnmatch(image, pattern))
    for inside, outside in found["binds"].items():
        assert Path(outside).exists(), inside
    assert found["entrypoint"][1:] == ["-m", "ledger"], "as in the example's Dockerfile"


def test_the_table_shows_what_each_pod_wrote_and_read() -> None:
    pod = {
        "region": "alpha",
        "pod": "ledger-1",
        "gateway": "alpha",
        "payments": 12,
        "last_payment": "2026-01-02T03:04:05.678Z",
        "longest_gap_seconds": 1.25,
        "conflicts": 2,
        "failures": 1,
        "accounts": {"alpha": {"payments": 20, "balance": 3}, "beta": {"payments": 7, "balance": 3}},
    }
    fresh = {**pod, "gateway": None, "payments": 0, "last_payment": None, "accounts": {}}
    head, first, second = app.table([pod, fresh]).splitlines()
    assert " ".join(head.split()) == "region pod node in written last longest gap retries read alpha read beta"
    assert " ".join(first.split()) == "alpha ledger-1 alpha 12 03:04:05 1.2 s 3 20 payments 7 payments"
    assert second.split()[2:5] == ["-", "0", "-"]
