"""Two ways in: `python -m policy FILE` checks a preview or a state; the engine runs this folder as a policy pack."""

import sys
from pathlib import Path

if __name__ == "__main__":
    if __package__:
        from policy.check import main

        sys.exit(main())
    # The engine's way (see PulumiPolicy.yaml) puts this folder first, where `kubernetes.py` would hide the package.
    FOLDER = Path(__file__).resolve().parent
    sys.path[:] = [str(FOLDER.parent), *(entry for entry in sys.path if Path(entry).resolve() != FOLDER)]
    from policy.pack import serve

    serve()
