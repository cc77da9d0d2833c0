"""The app team's program: what it reads of the database's stack, and what it makes of that."""

import json
import re
import runpy
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
import yaml
from infra.database import CONTRACT_VERSION, ContractError, pair_of, url_of

from lab.paths import PROJECT
from stacks.contract import VERSION
from tests.unit.recording import Recording, record

EXAMPLE = PROJECT / "examples" / "app-team"
REGIONS = ("us-east1", "us-central1", "us-west1")
PRIVATE = "-----BEGIN EC PRIVATE KEY-----"
STACK = "organization/cockroachdb-multiregion/dev"
URLS = {
    "bank": {
        region: f"postgresql://app@10.{n}.16.26:26257/bank?sslmode=verify-full" for n, region in enumerate(REGIONS, 1)
    }
}
OUTPUTS = {
    "contractVersion": 1,
    "databaseUrls": URLS,
    "caCertificate": "-----BEGIN CERTIFICATE----- authority",
    "clientCertificates": {"app": {"certificate": "-----BEGIN CERTIFICATE----- app", "privateKey": PRIVATE}},
}


@pytest.fixture(autouse=True)
def config() -> Iterator[None]:
    own = yaml.safe_load((EXAMPLE / "Pulumi.dev.yaml").read_text())["config"]
    schema = yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())["config"]
    defaults = {f"app-team:{key}": entry["default"] for key, entry in schema.items() if "default" in entry}
    texts = {
        key.replace("app-team", "cockroachdb-multiregion"): value if isinstance(value, str) else json.dumps(value)
        for key, value in {**defaults, **own}.items()
    }
    pulumi.runtime.set_all_config(texts)
    yield
    pulumi.runtime.set_all_config({})


def run(*, preview: bool = False) -> Recording:
    def given(args: Any) -> dict[str, Any]:
        if args.typ == "pulumi:pulumi:StackReference":
            return {"outputs": OUTPUTS, "secretOutputNames": ["clientCertificates"]}
        return {}

    return record(lambda: runpy.run_path(str(EXAMPLE / "__main__.py")) and None, given, preview=preview)


def test_a_first_preview_shows_the_whole_graph() -> None:
    assert run(preview=True).graph() == run().graph()


def test_each_region_has_its_own_endpoint_and_cluster() -> None:
    recording = run()
    for region in REGIONS:
        app = recording.named("Deployment", f"{region}-app")
        (container,) = app.inputs["spec"]["template"]["spec"]["containers"]
        told = {entry["name"]: entry.get("value") for entry in container["env"]}
        assert (told["DATABASE_URL"], told["REGION"]) == (URLS["bank"][region], region)
        assert f"::{region}-kubernetes::" in app.provider
        assert recording.named("providers:kubernetes", f"{region}-kubernetes").inputs["context"] == region


@pytest.mark.parametrize("preview", [False, True])
def test_the_private_key_stays_a_secret(preview: bool) -> None:
    recording = run(preview=preview)
    for region in REGIONS:
        assert recording.named("core/v1:Secret", f"{region}-secret").inputs["stringData"]["client.key"] == PRIVATE
    for made in recording.resources:
        assert not [text for text in made.plain_texts() if PRIVATE in text], made.urn


def test_the_app_starts_once_the_schema_is_there() -> None:
    recording = run()
    (schema,) = recording.of("batch/v1:Job")
    for region in REGIONS:
        assert schema.urn in recording.reaches(recording.named("Deployment", f"{region}-app").urn)


def test_it_reads_the_contract_that_the_database_has() -> None:
    assert CONTRACT_VERSION == VERSION


def test_what_is_not_there_is_said_with_what_is() -> None:
    assert url_of(STACK, 1, URLS, "bank", "us-west1") == URLS["bank"]["us-west1"]
    with pytest.raises(ContractError, match="contract version 2; this program was written for 1"):
        url_of(STACK, 2, URLS, "bank", "us-east1")
    with pytest.raises(ContractError, match="no database 'shop'; it has bank"):
        url_of(STACK, 1, URLS, "shop", "us-east1")
    with pytest.raises(ContractError, match="'europe-west4'; it does in us-central1, us-east1, us-west1"):
        url_of(STACK, 1, URLS, "bank", "europe-west4")
    with pytest.raises(ContractError, match="no client certificate of 'app'; it has none"):
        pair_of(STACK, URLS["bank"]["us-east1"], {})


def test_pins_are_the_projects() -> None:
    """What the example was tried with."""
    ours = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    for file in (EXAMPLE / "requirements.txt", EXAMPLE / "app" / "requirements.txt"):
        for pin in file.read_text(encoding="utf-8").split():
            assert f'"{pin}"' in ours, file
    python = re.findall(r"FROM (\S+)", (EXAMPLE / "app" / "Dockerfile").read_text(encoding="utf-8"))
    defaults = (PROJECT / "components" / "plan" / "defaults.py").read_text(encoding="utf-8")
    assert f'TOOLS_IMAGE = "{python[0]}"' in defaults
