"""The architecture picture is the dev stack's plan, drawn."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from stacks.picture import main, picture
from stacks.settings import from_stack_file

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"


def test_the_committed_picture_is_the_dev_stacks() -> None:
    drawn = picture(from_stack_file(ROOT / "Pulumi.dev.yaml")[1])
    committed = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert committed == drawn, "run: .venv/bin/python -m stacks.picture Pulumi.dev.yaml > docs/architecture.svg"


def test_every_address_and_every_forward_is_drawn() -> None:
    plan = from_stack_file(ROOT / "Pulumi.dev.yaml")[1]
    root = ElementTree.fromstring(picture(plan))  # noqa: S314 (our own text)
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    for region in plan.regions:
        assert region.name in texts
        assert f"DNS load balancer {region.dns_addresses[0]}" in texts
        for zone, addresses in region.forwards.items():
            assert f"{zone} → {addresses[0]}" in texts
    pairs = len(plan.regions) * (len(plan.regions) - 1)
    assert len(list(root.iter(f"{SVG}path"))) == len(list(root.iter(f"{SVG}polygon"))) == pairs


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == 2
    assert "usage" in capsys.readouterr().err
    assert main([str(ROOT / "Pulumi.dev.yaml")]) == 0
    assert capsys.readouterr().out.startswith("<svg ")
