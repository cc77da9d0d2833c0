"""The plan as one call: raw config in, settings and address plan out, or every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Imported for the rules that they register.
from . import (
    amounts,
    check_addresses,
    check_databases,
    check_dns,
    check_machines,
    check_network,
    check_operations,
    check_platforms,
    check_quotas,
    check_regions,
    check_strategy,
    cloud_words,
    plain_secrets,
    words,
)
from .addresses import address_plan
from .model import AddressPlan, ConfigError, Problem, Settings
from .parse import parse
from .rules import STACK_RULES

RULE_MODULES = (
    amounts,
    words,
    plain_secrets,
    cloud_words,
    check_regions,
    check_platforms,
    check_network,
    check_addresses,
    check_dns,
    check_databases,
    check_machines,
    check_operations,
    check_quotas,
    check_strategy,
)


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Validated settings of a raw config mapping (camelCase keys, no namespace prefix). Raises ConfigError."""
    draft, log = parse(config)
    problems = list(log.problems)
    for rule in STACK_RULES.values():
        problems += rule(draft) or ()
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return draft.settings


def plan(config: Mapping[str, Any]) -> tuple[Settings, AddressPlan]:
    """Settings and address plan of a raw config mapping. Raises ConfigError with every problem at once."""
    settings = settings_of(config)
    return settings, address_plan(settings)


def problems_of(config: Mapping[str, Any]) -> list[Problem]:
    """Everything wrong with a config; empty where `plan` would succeed."""
    try:
        settings_of(config)
    except ConfigError as error:
        return error.problems
    return []
