"""The borders between packages (.importlinter), and what the plan command loads."""

import subprocess
import sys
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]


def test_contracts() -> None:
    assert lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True) == 0


def test_plan_command_loads_no_pulumi() -> None:
    code = (
        "import sys; from stacks.plan import main; main(['Pulumi.dev.yaml', '--json']); "
        "sys.exit(sorted(m for m in sys.modules if m.split('.')[0].startswith(('pulumi', 'kubernetes', 'grpc'))) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
