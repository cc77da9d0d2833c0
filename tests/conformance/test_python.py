"""The language host and the host of dynamic providers."""

from __future__ import annotations

import json

from tests.conformance.processes import command, descendants, until
from tests.conformance.stack import PROJECT, Stack

DYNAMIC = """
    import pathlib
    import pulumi
    from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

    LOG = {log!r}

    def say(*words):
        with pathlib.Path(LOG).open("a") as stream:
            stream.write(" ".join(words) + "\\n")

    class Notes(ResourceProvider):
        def create(self, props):
            say("create", props["text"])
            return CreateResult("note-1", {{"text": props["text"], "size": len(props["text"])}})

        def diff(self, id, olds, news):
            replaces = ["text"] if news["text"].startswith("new") else []
            return DiffResult(olds["text"] != news["text"], replaces, [], True)

        def update(self, id, olds, news):
            say("update", news["text"])
            return UpdateResult({{"text": news["text"], "size": len(news["text"])}})

        def read(self, id, props):
            return ReadResult(id, {{**props, "size": -1}})

        def delete(self, id, props):
            say("delete", props["text"])

    class Note(Resource):
        size: pulumi.Output[int]
        def __init__(self, name, text, opts=None):
            super().__init__(Notes(), name, {{"text": text, "size": None}}, opts)

    pulumi.export("size", Note("note", {text}).size)
    """


def test_a_dynamic_provider_lives_its_life(bare_stack: Stack) -> None:
    log = bare_stack.folder / "log"
    program = DYNAMIC.replace("{log!r}", repr(str(log)))
    assert bare_stack.preview(program.replace("{text}", "'one'").format()).steps == {"note": "create"}
    assert not log.exists()
    bare_stack.up(program.replace("{text}", "'one'").format())
    assert bare_stack.outputs() == {"size": 3}
    assert bare_stack.up(program.replace("{text}", "'seven'").format()).steps == {"note": "update"}
    assert bare_stack.up(program.replace("{text}", "'new text'").format()).steps == {"note": "replace"}
    bare_stack.refresh()
    assert bare_stack.state()["note"]["outputs"]["size"] == -1
    bare_stack.destroy()
    expected = ["create one", "update seven", "delete seven", "create new text", "delete new text"]
    assert log.read_text().splitlines() == expected


def test_a_secret_in_a_dynamic_resource_is_ciphertext(bare_stack: Stack) -> None:
    program = DYNAMIC.replace("{log!r}", repr(str(bare_stack.folder / "log")))
    bare_stack.up(program.replace("{text}", "pulumi.Output.secret('hush-hush')").format())
    assert "hush-hush" not in bare_stack.state_text()


def test_a_killed_engine_leaves_no_dynamic_provider_behind(bare_stack: Stack) -> None:
    log = bare_stack.folder / "log"
    program = DYNAMIC.replace("{log!r}", repr(str(log))).replace("{text}", "'one'").format()
    blocking = 'say("create", props["text"]); __import__("threading").Event().wait(300)'
    bare_stack.program(program.replace('say("create", props["text"])', blocking))
    process = bare_stack.engine("up")
    until(lambda: log.exists() or process.poll() is not None)
    children = descendants(process.pid)
    assert any("pulumi.dynamic" in command(pid) for pid in children)
    process.kill()
    process.communicate()
    until(lambda: not any("pulumi" in command(pid) for pid in children), 20)


def test_output_streams_and_a_traceback_starts_in_the_program(bare_stack: Stack) -> None:
    program = """
        import sys
        print("said on stdout")
        print("said on stderr", file=sys.stderr)
        def deep():
            raise ValueError("went wrong")
        deep()
        """
    run = bare_stack.up(program, fails=True)
    assert "said on stdout" in run.text
    assert "said on stderr" in run.text
    assert "ValueError: went wrong" in run.text
    assert "in deep" in run.text
    assert "run_in_stack" not in run.text
    assert "exit code" not in run.text


def test_what_a_program_is_told(bare_stack: Stack) -> None:
    bare_stack.pulumi("config", "set", "plain", "seen")
    bare_stack.pulumi("config", "set", "--secret", "word", "from-config")
    program = """
        import os, pulumi
        config = pulumi.Config()
        pulumi.export("told", {"plain": config.get("plain"), "dry": pulumi.runtime.is_dry_run(), "here": os.getcwd(),
                               "project": pulumi.get_project(), "stack": pulumi.get_stack(),
                               "organization": pulumi.get_organization()})
        pulumi.export("word", config.get_secret("word"))
        """
    bare_stack.up(program)
    outputs = bare_stack.outputs()
    assert outputs["word"] == "from-config"
    assert outputs["told"] == {
        "plain": "seen",
        "dry": False,
        "here": str(bare_stack.folder),
        "project": "conformance",
        "stack": "test",
        "organization": "organization",
    }
    assert "from-config" not in bare_stack.state_text()


def test_a_missing_virtualenv_and_a_missing_program_are_named(bare_stack: Stack) -> None:
    file = bare_stack.folder / "Pulumi.yaml"
    file.write_text(file.read_text().replace(str(PROJECT / ".venv"), "no-such-venv"))
    assert "no-such-venv" in bare_stack.up("", fails=True).text
    file.write_text(file.read_text().replace("no-such-venv", str(PROJECT / ".venv")))
    (bare_stack.folder / "__main__.py").unlink()
    assert "__main__.py" in bare_stack.up(fails=True).text


def test_about_names_the_plugins_that_a_program_needs(bare_stack: Stack) -> None:
    about = json.loads(bare_stack.pulumi("about", "--json").text.split("\n", 1)[1])
    assert {(each["name"], each["version"]) for each in about["plugins"]} >= {
        ("kubernetes", "4.34.2"),
        ("tls", "5.6.2"),
    }


def test_components_in_python_are_a_plugin(bare_stack: Stack) -> None:
    folder = bare_stack.folder / "boxes"
    folder.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": str(PROJECT / ".venv")}}
    (folder / "PulumiPlugin.yaml").write_text(f"runtime: {json.dumps(runtime)}\n")
    (folder / "__main__.py").write_text(
        "from pulumi.provider.experimental import component_provider_host\n"
        "from box import Box\n"
        'component_provider_host(name="boxes", components=[Box])\n'
    )
    (folder / "box.py").write_text(
        "import pulumi\n"
        "from typing import TypedDict\n"
        "class BoxArgs(TypedDict):\n"
        "    size: pulumi.Input[int]\n"
        '    """How big."""\n'
        "class Box(pulumi.ComponentResource):\n"
        "    twice: pulumi.Output[int]\n"
        '    """Twice as big."""\n'
        "    def __init__(self, name: str, args: BoxArgs, opts: pulumi.ResourceOptions | None = None) -> None:\n"
        '        super().__init__("boxes:index:Box", name, {}, opts)\n'
        '        self.twice = pulumi.Output.from_input(args["size"]).apply(lambda size: 2 * int(size))\n'
        '        self.register_outputs({"twice": self.twice})\n'
    )
    project = bare_stack.folder / "Pulumi.yaml"
    project.write_text(project.read_text() + "plugins: {providers: [{name: boxes, path: ./boxes}]}\n")
    program = """
        import pulumi

        class Box(pulumi.ComponentResource):
            twice: pulumi.Output[int]
            def __init__(self, name, size):
                super().__init__("boxes:index:Box", name, {"size": size, "twice": None}, None, remote=True)

        pulumi.export("twice", Box("box", 3).twice)
        """
    bare_stack.up(program)
    assert bare_stack.outputs() == {"twice": 6}
