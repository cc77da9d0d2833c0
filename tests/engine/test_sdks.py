"""Programs in TypeScript and Go compile against SDKs made from the committed schema: the ones that the docs show."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lab import tools
from lab.paths import PROJECT
from tests.engine.snippets import shown

pytestmark = [pytest.mark.engine, pytest.mark.long]

GO_MODULE = "example.com/pulumi-cockroachdb-multiregion/sdk/go/cockroachdb-multiregion"
"""What the generator calls a package whose schema names no repository."""
SDK = "github.com/pulumi/pulumi/sdk/v3"
VERSION = "v3.259.0"


def generated(language: str, folder: Path) -> Path:
    """The SDK, in an empty folder."""
    tools.demand("gen-sdk")
    run(folder, str(tools.bin_dir() / "gen-sdk"), str(PROJECT / "docs" / "schema.json"), language, str(folder))
    return folder


def run(folder: Path, *argv: str) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, f"{' '.join(argv)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm on PATH")
def test_typescript(tmp_path: Path) -> None:
    sdk = generated("nodejs", tmp_path)
    run(sdk, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
    (sdk / "program.ts").write_text(shown("typescript").replace("@pulumi/cockroachdb-multiregion", "./index"))
    (sdk / "tsconfig.program.json").write_text('{"extends": "./tsconfig.json", "files": ["program.ts"]}')
    run(sdk, "node_modules/.bin/tsc", "--noEmit")
    run(sdk, "node_modules/.bin/tsc", "--noEmit", "--project", "tsconfig.program.json")


@pytest.mark.skipif(tools.go_problem() is not None, reason="there is no Go")
def test_go(tmp_path: Path) -> None:
    sdk = generated("go", tmp_path) / "cockroachdbmultiregion"
    (sdk / "go.mod").write_text(f"module {GO_MODULE}\n\ngo 1.26\n\nrequire {SDK} {VERSION}\n")
    (sdk / "program").mkdir()
    (sdk / "program" / "main.go").write_text(shown("go"))
    run(sdk, "go", "mod", "tidy")
    run(sdk, "go", "vet", "./...")
