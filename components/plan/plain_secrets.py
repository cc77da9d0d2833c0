"""Names whose values would be secrets, in config objects that stay plain text in the state and in the cluster."""

from __future__ import annotations

import re

from .rules import value_rule

_VARIABLE = re.compile(
    r"(?:.*_)?(?:PASSWORD|PASSWD|SECRET|TOKEN|ACCESS_KEY|ACCOUNT_KEY|PRIVATE_KEY|API_KEY)", re.IGNORECASE
)
_SETTING = re.compile(r"(?:.*[._])?(?:secret|password|tls_key|private_key)")


@value_rule("plain-variable")
def _plain_variable(name: str) -> str | None:
    if _VARIABLE.fullmatch(name) is None:
        return None
    return (
        "would be a secret in plain text, in the state and in the StatefulSet; give the nodes' service account a cloud "
        "identity, or an external connection made by SQL"
    )


@value_rule("plain-setting")
def _plain_setting(name: str) -> str | None:
    if _SETTING.fullmatch(name) is None:
        return None
    return "would be a secret in plain text, in the state and in a ConfigMap; set it by SQL, as root"
