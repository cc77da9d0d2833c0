"""Secrets are nowhere in the state in the clear, wherever they came in."""

from __future__ import annotations

import base64

from tests.conformance.cluster import Cluster
from tests.conformance.stack import Stack

PROGRAM = """
    here = provider({options})
    word = pulumi.Config().require_secret("word")
    k8s.core.v1.Secret("plain", metadata={{"namespace": NS, "name": "plain"}}, string_data={{"word": {plain!r}}},
                       opts=on(here))
    k8s.core.v1.Secret("hidden", metadata={{"namespace": NS, "name": "hidden"}}, string_data={{"word": word}},
                       opts=on(here))
    k8s.core.v1.ConfigMap("leak", metadata={{"namespace": NS, "name": "leak"}}, data={{"word": word, "open": "seen"}},
                          opts=on(here))
    """


def encoded(word: str) -> str:
    return base64.b64encode(word.encode()).decode()


def test_secrets_are_ciphertext_in_the_state(stack: Stack, cluster: Cluster, namespace: str) -> None:
    assert stack.pulumi("config", "set", "--secret", "word", "from-config").code == 0
    run = stack.up(PROGRAM.format(options="enable_secret_mutable=True", plain="in-the-program"))
    assert cluster.get("secret", "hidden", "-n", namespace)["data"]["word"] == encoded("from-config")
    text = stack.state_text()
    for word in ("in-the-program", "from-config"):
        assert word not in text
        assert encoded(word) not in text
        assert word not in run.text
    assert "seen" in text
    assert stack.preview().steps == {"plain": "same", "hidden": "same", "leak": "same"}
    stack.refresh()
    text = stack.state_text()
    assert encoded("from-config") not in text
    assert "from-config" not in text


def test_a_secret_is_replaced_unless_mutable(stack: Stack) -> None:
    stack.pulumi("config", "set", "--secret", "word", "from-config")
    stack.up(PROGRAM.format(options="", plain="one"))
    replaced = stack.preview(PROGRAM.format(options="", plain="two"))
    assert replaced.steps == {"plain": "replace", "hidden": "same", "leak": "same"}
    updated = stack.preview(PROGRAM.format(options="enable_secret_mutable=True", plain="two"))
    assert updated.steps == {"plain": "update", "hidden": "same", "leak": "same"}
