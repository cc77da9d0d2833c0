"""Config -> validated settings, from a stack file (no pulumi) or from the running program's `pulumi.Config`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from components.plan import AddressPlan, ConfigError, Problem, Settings, plan, problems_of
from components.strategies import known, strategy

if TYPE_CHECKING:
    import pulumi

NAMESPACE = "cockroachdb-multiregion"
"""The project's name: the prefix of its config keys."""

TEXT_KEYS = frozenset({"platform", "strategy", "networkCidr"})
"""Top-level keys whose value is text. The engine hands every value over as text; the others hold JSON."""

LICENSE = "cockroachdb.license"
OPTIONS = "strategyOptions"


def from_stack_file(path: Path) -> tuple[Settings, AddressPlan]:
    """Settings and plan of a `Pulumi.<stack>.yaml`, without the engine. Raises ConfigError, and OSError for no file.

    Encrypted values stay as they are (`{secure: …}`): the plan needs none of them.
    """
    # `pulumi config set` writes numbers and booleans as text.
    raw = {key: decode(key, value) for key, value in raw_from_stack_file(path).items()}
    plain = [path for path in _secret_paths(raw) if isinstance(value_at(raw, path), str)]
    if plain:
        raise ConfigError([*problems_of(raw), *map(_not_encrypted, plain)])
    return plan(raw)


def wrong_with(error: ConfigError | OSError) -> str:
    """What a command says of a stack file that it can't take: a line for each problem, or the file and why it is not
    read (nor written)."""
    return str(error) if isinstance(error, ConfigError) else f"{error.filename}: {error.strerror}"


def raw_from_stack_file(path: Path) -> dict[str, Any]:
    """The project's own config keys of a stack file, without their prefix. Raises ConfigError where it is not YAML."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError([Problem(str(path), f"is not YAML; {_where(error)}")]) from error
    config = document.get("config") or {} if isinstance(document, dict) else document or {}
    if not isinstance(config, dict):
        raise ConfigError([Problem(str(path), "is not a stack file; write `config:` and the keys under it")])
    return _own_keys(config)


def from_pulumi() -> tuple[Settings, AddressPlan]:
    """Settings and plan of the program that is running.

    Raises pulumi.RunError, which the engine prints without a traceback, with every problem on a line of its own.
    """
    import pulumi
    from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

    raw = {key: decode(key, value) for key, value in _own_keys({**get_config_env(), **CONFIG.get()}).items()}
    given = [path for path in _secret_paths(raw) if value_at(raw, path) is not None]
    plain = [path for path in given if not is_config_secret(f"{NAMESPACE}:{path.partition('.')[0]}")]
    try:
        if plain:
            raise ConfigError([*problems_of(raw), *map(_not_encrypted, plain)])
        return plan(raw)
    except ConfigError as error:
        raise pulumi.RunError(f"the config of this stack is refused:\n{error}") from error


def license_key() -> pulumi.Output[str] | None:
    """The enterprise license as a secret output, or None where config has none."""
    import pulumi

    config = pulumi.Config(NAMESPACE)
    if "license" not in (config.get_object("cockroachdb") or {}):
        return None
    return config.require_secret_object("cockroachdb").apply(lambda cockroachdb: str(cockroachdb["license"]))


def strategy_secrets(chosen: str) -> dict[str, pulumi.Output[str]]:
    """The secrets among the strategy's options, by their paths under `strategyOptions`; only those that config has."""
    import pulumi

    config = pulumi.Config(NAMESPACE)
    given = {OPTIONS: config.get_object(OPTIONS) or {}}
    return {
        path: config.require_secret_object(OPTIONS).apply(lambda options, path=path: str(value_at(options, path)))
        for path in strategy(chosen).secret_options
        if value_at(given, f"{OPTIONS}.{path}") is not None
    }


def value_at(values: object, path: str) -> Any:
    """What is at a dotted path of nested mappings; None where there is nothing."""
    for key in path.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _secret_paths(raw: Mapping[str, Any]) -> list[str]:
    """Paths whose values must be encrypted."""
    chosen = raw.get("strategy")
    own = strategy(chosen).secret_options if isinstance(chosen, str) and known(chosen) else ()
    return [LICENSE, *(f"{OPTIONS}.{path}" for path in own)]


def _not_encrypted(path: str) -> Problem:
    return Problem(path, f"is not encrypted; set it with `pulumi config set --secret --path {path}`")


def decode(key: str, value: Any) -> Any:
    """What the YAML said, from the text that the engine hands over; text that is no JSON is left to the rules."""
    if key in TEXT_KEYS or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _where(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def _own_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of this project, without prefix. A key without any prefix is the project's own, as in the engine."""
    own = {}
    for key, value in config.items():
        namespace, colon, name = str(key).partition(":")
        if not colon:
            own[namespace] = value
        elif namespace == NAMESPACE:
            own[name] = value
    return own


class _Loader(yaml.SafeLoader):
    """Refuses a key that is written twice: the engine does, and PyYAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value} is written twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)
