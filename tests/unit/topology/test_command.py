"""`python -m topology`: everything that it reads, and everything that it refuses."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from policy.topology import LOCK
from tests.unit.topology.samples import ROOT, many, multicloud, three, verdict
from topology.__main__ import main
from topology.page import page
from topology.picture import picture
from topology.scene import scene
from topology.theme import DARK, HEALTHS, LIGHT

SVG = "{http://www.w3.org/2000/svg}"


def lock(record: str) -> dict[str, object]:
    return {"urn": "urn:pulumi:dev::p::t::addresses", "type": LOCK, "inputs": {"record": record}}


SOURCES = {
    "plan": lambda plan: plan,
    "outputs": lambda plan: {"contractVersion": 1, "regions": ["us-east1"], "topology": plan},
    "preview": lambda plan: {"steps": [{"op": "create", "newState": lock(json.dumps({"topology": plan}))}]},
    "state": lambda plan: {"deployment": {"resources": [lock(json.dumps({"topology": plan}))]}},
}


@pytest.mark.parametrize("plan", [three(), multicloud(), many()], ids=["three", "multicloud", "many"])
@pytest.mark.parametrize("source", SOURCES)
def test_all_sources_give_the_same_page(
    source: str, plan: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine sorts the keys of what it prints."""
    given = tmp_path / "given.json"
    given.write_text(json.dumps(SOURCES[source](plan), sort_keys=True))
    assert main([str(given)]) == 0
    assert capsys.readouterr().out == page(scene(plan))


def test_the_stack_files_page_is_its_plans(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ROOT / "Pulumi.dev.yaml")]) == 0
    assert capsys.readouterr().out == page(scene(three()))


def test_with_health_and_a_place_of_ones_own(tmp_path: Path) -> None:
    plan, found, drawn = tmp_path / "plan.json", tmp_path / "verify.json", tmp_path / "drawn.svg"
    plan.write_text(json.dumps(many()))
    found.write_text(json.dumps(verdict(many(), cut=["uksouth"])))
    arguments = [str(plan), "--verify", str(found), "-o", str(drawn)]
    assert main(arguments) == 0
    assert "not on the map" in drawn.read_text()
    assert "verified: red, 26 of 351 pairs are not green" in drawn.read_text()
    assert main([*arguments, "--place", "frankfurt-dc1=50.1,8.7", "--place", "frankfurt-dc2=50.2,8.6"]) == 0
    assert "not on the map" not in drawn.read_text()


@pytest.mark.parametrize(
    ("arguments", "text", "says"),
    [
        (["FILE"], "{", "is not JSON"),
        (["FILE"], "[]", "no object"),
        (["FILE"], '{"regions": []}', "pulumi stack output --json"),
        (["FILE"], '{"regions": ["us-east1"]}', "has no topology"),
        (["FILE"], '{"steps": []}', "no AddressLock"),
        (["FILE"], '{"steps": [{"op": "update", "newState": {"urn": "a::b", "parent": "a::stack"}}]}', "--show-sames"),
        (["FILE", "--verify", "FILE"], "PLAN", "is not verify's JSON of contract version 1"),
        (["FILE", "-o", "drawn.png"], "PLAN", "neither in .html nor in .svg"),
        (["FILE", "--place", "dc-1=91,0"], "PLAN", "latitudes are from -85 to 85"),
        (["FILE", "--place", "dc-1"], "PLAN", "NAME=LATITUDE,LONGITUDE"),
        (["gone.json"], "", "No such file"),
    ],
)
def test_what_cannot_be_drawn(
    arguments: list[str], text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "given.json"
    file.write_text(json.dumps(three()) if text == "PLAN" else text)
    assert main([str(file) if word == "FILE" else word for word in arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_verdict_of_another_stack_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, found = tmp_path / "plan.json", tmp_path / "verify.json"
    plan.write_text(json.dumps(three()))
    found.write_text(json.dumps(verdict(multicloud())))
    assert main([str(plan), "--verify", str(found)]) == 2
    assert "of another stack: it has us-east-2, us-west-2" in capsys.readouterr().err


def test_a_bad_stack_file_is_refused_with_all_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "Pulumi.bad.yaml"
    file.write_text("config:\n  cockroachdb-multiregion:regions: []\n")
    assert main([str(file)]) == 2
    assert "regions" in capsys.readouterr().err


@pytest.mark.parametrize("plan", [three(), multicloud(), many()], ids=["three", "multicloud", "many"])
def test_the_page_has_every_address_and_fetches_nothing(plan: dict) -> None:
    drawn = page(scene(plan, verdict(plan, cut=[plan["regions"][0]["name"]])))
    for region in plan["regions"]:
        assert region["cidr"] in drawn
        for balancer in region["balancers"]:
            assert all(address in drawn for address in balancer["addresses"])
        for zone, addresses in region["forwards"].items():
            assert f'{zone}<span class="mono">→ {", ".join(addresses)}' in drawn
    assert not re.search(r"<script|<link|<iframe|<object|@import|\son[a-z]+=", drawn)
    assert not re.search(r"(?:src|href)=", drawn)
    assert {*re.findall(r"url\(([^)]*)\)", drawn)} == {"#frame-wide", "#frame-medium", "#frame-narrow"}


def test_the_picture_is_xml_with_a_name_and_a_description() -> None:
    root = ElementTree.fromstring(picture(scene(multicloud())))  # noqa: S314 (our own text)
    assert root.findtext(f"{SVG}title") == "CockroachDB in 4 regions"
    assert "us-east-2" in (root.findtext(f"{SVG}desc") or "")
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"10.2.240.117", "us-west-2.svc.cluster.local", "GKE: one VPC (gcp) for 2 regions"} <= set(texts)


def test_the_committed_picture_is_the_dev_stacks() -> None:
    committed = (ROOT / "docs" / "topology.svg").read_text(encoding="utf-8")
    assert committed == picture(scene(three())), (
        "run: .venv/bin/python -m topology Pulumi.dev.yaml -o docs/topology.svg"
    )


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_stands_out(theme: dict[str, str]) -> None:
    """At least 4.5 to 1, the Web Content Accessibility Guidelines' least for text (1.4.3)."""
    texts = ("ink", "muted", *HEALTHS)
    on = [(text, ground) for text in texts for ground in ("paper", "surface")]
    on += [("ink", "land"), ("ink", "sea"), *(("on", health) for health in HEALTHS)]
    assert {
        pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in on if contrast(theme[pair[0]], theme[pair[1]]) < 4.5
    } == {}


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG has it: (lighter + 0.05) / (darker + 0.05)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
