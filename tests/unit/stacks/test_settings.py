"""Config as the engine hands it over and as a stack file has it: the same settings."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.plan import ConfigError, defaults
from components.plan.quotas import AWS_QUOTAS, GCP_QUOTAS
from stacks.settings import NAMESPACE, from_pulumi, from_stack_file, strategy_secrets
from tests.unit.recording import record

ROOT = Path(__file__).parents[3]
PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))


def as_engine(config: dict[str, Any]) -> dict[str, str]:
    """Values as texts, the way the engine gives them to a program, with the project's defaults filled in."""
    filled = {key: schema["default"] for key, schema in PROJECT["config"].items() if "default" in schema}
    filled |= {key.removeprefix(f"{NAMESPACE}:"): value for key, value in config.items()}
    return {
        f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in filled.items()
    }


@pytest.mark.parametrize("stack", ["dev", "gke", "eks", "multicloud"])
def test_both_ways_agree(stack: str) -> None:
    stack_file = ROOT / f"Pulumi.{stack}.yaml"
    raw = yaml.safe_load(stack_file.read_text(encoding="utf-8"))["config"]
    pulumi.runtime.set_all_config(as_engine(raw))
    assert from_pulumi() == from_stack_file(stack_file)


def test_a_refused_config_is_a_run_error_with_every_problem() -> None:
    pulumi.runtime.set_all_config({f"{NAMESPACE}:regions": '[{"name": "A"}]', f"{NAMESPACE}:regoins": "[]"})
    with pytest.raises(pulumi.RunError) as refused:
        from_pulumi()
    assert "regions[0].name: A is not a DNS label" in str(refused.value)
    assert "regoins: unknown key; did you mean regions?" in str(refused.value)


def test_a_license_must_be_a_secret() -> None:
    raw = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    config = as_engine(raw) | {f"{NAMESPACE}:cockroachdb": '{"license": "crl-0-VERYSECRET", "organization": "Bank"}'}
    pulumi.runtime.set_all_config(config, [f"{NAMESPACE}:cockroachdb"])
    assert from_pulumi()[0].cockroachdb.organization == "Bank"
    pulumi.runtime.set_all_config(config, [])
    with pytest.raises(pulumi.RunError) as refused:
        from_pulumi()
    assert "cockroachdb.license: is not encrypted" in str(refused.value)
    assert "VERYSECRET" not in str(refused.value)


def test_a_strategys_secret_option_must_be_a_secret_and_is_in_no_settings(tmp_path: Path) -> None:
    secret = "VERYSECRETVERYSECRETVERYSECRET00"
    options = {"rfc2136": {"servers": ["10.0.0.53"], "tsigKeyName": "key", "tsigSecret": secret}}
    raw = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    raw |= {f"{NAMESPACE}:strategy": "private-zone", f"{NAMESPACE}:strategyOptions": options}
    config = as_engine(raw)
    pulumi.runtime.set_all_config(config, [f"{NAMESPACE}:strategyOptions"])
    assert secret not in repr(from_pulumi())
    given = record(lambda: dict(strategy_secrets("private-zone"))).result
    assert given == {"rfc2136.tsigSecret": secret}
    pulumi.runtime.set_all_config(config, [])
    with pytest.raises(pulumi.RunError) as refused:
        from_pulumi()
    stack_file = tmp_path / "Pulumi.x.yaml"
    stack_file.write_text(yaml.safe_dump({"config": raw}), encoding="utf-8")
    with pytest.raises(ConfigError) as in_file:
        from_stack_file(stack_file)
    for error in (refused, in_file):
        assert "strategyOptions.rfc2136.tsigSecret: is not encrypted" in str(error.value)
        assert secret not in str(error.value)


def test_other_projects_keys_are_none_of_ours(tmp_path: Path) -> None:
    stack_file = tmp_path / "Pulumi.x.yaml"
    stack_file.write_text(
        (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8") + "  kubernetes:context: x\n  aws:region: y\n"
    )
    assert from_stack_file(stack_file) == from_stack_file(ROOT / "Pulumi.dev.yaml")


@pytest.mark.parametrize("text", ["", "config:\n", "config: {}\n"])
def test_an_empty_stack_file_asks_for_regions(tmp_path: Path, text: str) -> None:
    stack_file = tmp_path / "Pulumi.x.yaml"
    stack_file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        from_stack_file(stack_file)
    assert [problem.path for problem in refused.value.problems] == ["regions"]


def test_the_project_file_states_the_same_defaults() -> None:
    schema = PROJECT["config"]
    stated = {key: schema[key].get("default") for key in ("platform", "strategy", "networkCidr")}
    assert stated == {
        "platform": defaults.PLATFORM,
        "strategy": defaults.STRATEGY,
        "networkCidr": defaults.NETWORK_CIDR,
    }
    described = schema["cockroachdb"]["description"]
    for text in (
        f"version (default {defaults.VERSION})",
        f"cpu: {defaults.CPU}",
        f"memory: {defaults.MEMORY}",
        f"size: {defaults.STORAGE_SIZE}",
        f"cache ({defaults.CACHE})",
        f"maxSqlMemory ({defaults.MAX_SQL_MEMORY})",
        f"maxOffset ({defaults.MAX_OFFSET})",
        f"terminationGracePeriodSeconds ({defaults.TERMINATION_GRACE_PERIOD_SECONDS})",
    ):
        assert text in " ".join(described.split())
    assert f"default {defaults.BACKUP_SCHEDULE}" in schema["backup"]["description"]
    assert f"nodes (default {defaults.NODES})" in schema["regions"]["description"]
    for text in (
        f"network ({defaults.GCP_NETWORK}: one VPC, the default",
        f"releaseChannel (default {defaults.GCP_RELEASE_CHANNEL})",
        f"machineType (default {defaults.GCP_MACHINE_TYPE})",
        f"storageType (default {defaults.GCP_STORAGE_TYPE})",
    ):
        assert text in " ".join(schema["gcp"]["description"].split())
    for text in (
        f"default {defaults.AWS_NAT_GATEWAYS})",
        f"instanceType (default {defaults.AWS_INSTANCE_TYPE})",
        f"transitGatewayFrom (default {defaults.TRANSIT_GATEWAY_FROM}:",
    ):
        assert text in " ".join(schema["aws"]["description"].split())


def test_the_project_file_knows_every_key() -> None:
    """Each key typed and described, none that the program does not read, and the other way round."""
    with pytest.raises(ConfigError) as refused:
        from components.plan import plan

        plan({"regions": [], "zzz": 1})
    unknown = next(str(problem) for problem in refused.value.problems if problem.path == "zzz")
    assert set(unknown.split("known: ")[1].split(", ")) == set(PROJECT["config"])
    for schema in PROJECT["config"].values():
        assert schema["type"] in ("string", "boolean", "integer", "array", "object")
        assert schema["description"]


def test_the_config_page_names_every_key_and_its_default() -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    named = "\n".join(line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `"))
    assert {key for key in PROJECT["config"] if not re.search(rf"`{key}[.`]", named)} == set()
    for module in ("parse.py", "parse_clouds.py", "parse_region.py"):
        source = (ROOT / "components" / "plan" / module).read_text(encoding="utf-8")
        for key in re.findall(r"(?:take|items|pairs|child)\(\s*\"(\w+)\"", source):
            assert re.search(rf"\b{key}\b", named), f"{key} has no row"
    for name, value in vars(defaults).items():
        if name.isupper() and isinstance(value, str):
            assert value in page, name
    assert f"| `transitGatewayFrom` | {defaults.TRANSIT_GATEWAY_FROM} |" in page
    for cloud, quotas in (("aws", AWS_QUOTAS), ("gcp", GCP_QUOTAS)):
        for name, quota in quotas.items():
            row = next(line for line in page.splitlines() if line.startswith(f"| `{cloud}.quotas.{name}` |"))
            assert f"| {'not checked' if quota.default is None else quota.default} |" in row
            assert quota.most is None or f"at most {quota.most} " in row


def test_what_pulumi_config_set_wrote_as_text_is_what_was_meant(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    text = (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    file.write_text(text + '  cockroachdb-multiregion:allowDataLoss: "true"\n', encoding="utf-8")
    assert from_stack_file(file)[0].allow_data_loss is True
