"""What becomes of a lab whose stack has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.lifecycle import merge
from lab.shell import LabError
from lab.world import Region, derive_regions, read_plan

DEV = Path(__file__).parents[3] / "Pulumi.dev.yaml"


@pytest.fixture(scope="module")
def regions() -> tuple[Region, ...]:
    return derive_regions(read_plan(DEV), {}, 3)


def test_the_same_stack_is_the_same_lab(regions: tuple[Region, ...]) -> None:
    assert merge(regions, regions) == regions
    assert merge((), regions) == regions


def test_a_region_that_the_stack_dropped_runs_on(regions: tuple[Region, ...]) -> None:
    assert merge(regions, regions[:2]) == regions
    assert merge(regions[1:], regions[:1]) == regions


def test_hosts_become_more_but_never_less(regions: tuple[Region, ...]) -> None:
    fewer = tuple(replace(region, hosts=region.hosts[:1]) for region in regions)
    assert merge(regions, fewer) == regions
    assert merge(fewer, regions) == regions


def test_a_stack_that_changes_its_strategy_keeps_its_lab(tmp_path: Path) -> None:
    def regions_with(strategy: str) -> tuple[Region, ...]:
        stack = yaml.safe_load(DEV.read_text(encoding="utf-8"))
        stack["config"]["cockroachdb-multiregion:strategy"] = strategy
        file = tmp_path / "Pulumi.changing.yaml"
        file.write_text(yaml.safe_dump(stack), encoding="utf-8")
        return derive_regions(read_plan(file), {}, 3)

    before, both, after = map(
        regions_with, ("stub-domains", "stub-domains+load-balancer-per-node", "load-balancer-per-node")
    )
    assert before[0].ports != after[0].ports
    assert merge(merge(before, both), after) == after


@pytest.mark.parametrize("change", [{"node_cidr": "10.9.0.0/20"}, {"dns_kind": "kube-dns"}, {"index": 7}])
def test_a_region_that_runs_is_not_made_another(regions: tuple[Region, ...], change: dict[str, str]) -> None:
    moved = (replace(regions[0], **change), *regions[1:])  # pyright: ignore[reportArgumentType]
    with pytest.raises(LabError, match=r"us-east1 runs with other networks .* take the lab down first"):
        merge(regions, moved)


def test_a_new_region_gets_no_place_that_is_taken(regions: tuple[Region, ...]) -> None:
    with pytest.raises(LabError, match="europe wants the place of us-west1"):
        merge(regions, (*regions[:2], replace(regions[2], name="europe")))


def test_a_clouds_region_is_nothing_that_up_makes_or_drops(regions: tuple[Region, ...]) -> None:
    cloud = replace(regions[1], platform="gke", cluster="us-central1-cluster-1")
    assert merge((regions[0], cloud), (regions[0], regions[2])) == (regions[0], cloud, regions[2])
    with pytest.raises(LabError, match="us-central1 runs with other networks"):
        merge((cloud,), (regions[1],))
