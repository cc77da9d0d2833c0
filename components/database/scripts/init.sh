#!/bin/sh
# Initialises the cluster through one fixed node, unless the preflight found it done.
# Environment: STATE_FILE, INIT_HOST, RPC_PORT, CERTS_DIR, CLUSTER_NAME; COCKROACH, the program, for tests.
set -eu
if [ "$(cat "$STATE_FILE")" = done ]; then
  echo "the cluster is initialised already"
  exit 0
fi
if output=$("${COCKROACH:-/cockroach/cockroach}" init --certs-dir="$CERTS_DIR" \
    --host="$INIT_HOST:$RPC_PORT" --cluster-name="$CLUSTER_NAME" 2>&1); then
  echo "$output"
  exit 0
fi
echo "$output"
case "$output" in
  *"already been initialized"*) exit 0 ;;
esac
exit 1
