#!/usr/bin/env bash
# Lint, and the address plan of every stack file: no engine, no cluster, no credentials.
set -euo pipefail
.venv/bin/ruff check .
.venv/bin/ruff format --check .
for file in Pulumi.*.yaml; do
  .venv/bin/python -m stacks.plan "$file"
done
