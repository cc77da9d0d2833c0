#!/bin/sh
# Decommissions every node of a region, or those at ADDRESSES alone: moves its replicas away, drains it, and strikes it from the membership. Again: nothing to do.
# Environment: REGION, HOST (a node that stays), RPC_PORT, CERTS_DIR, CLUSTER_NAME; ADDRESSES (host:port,…); COCKROACH, the program, for tests.
set -eu
cockroach=${COCKROACH:-/cockroach/cockroach}
connection="--certs-dir=$CERTS_DIR --host=$HOST:$RPC_PORT"
tab=$(printf '\t')

# This one speaks SQL and knows no --cluster-name.
# shellcheck disable=SC2086  # one word per flag
status=$("$cockroach" node status --decommission --format=tsv $connection)

column() { # position of a named column, from the header line
  position=1
  oldIFS=$IFS
  IFS=$tab
  for name in $(printf '%s\n' "$status" | head -n 1); do
    if [ "$name" = "$1" ]; then
      IFS=$oldIFS
      echo "$position"
      return
    fi
    position=$((position + 1))
  done
  echo "no column $1 in the answer of «cockroach node status»: is this version known to work?" >&2
  exit 1
}
id=$(column id)
address=$(column address)
locality=$(column locality)
membership=$(column membership)

nodes=$(printf '%s\n' "$status" | tail -n +2 | while IFS= read -r line; do
  node=$(printf '%s' "$line" | cut -f "$id")
  where=$(printf '%s' "$line" | cut -f "$locality" | tr -d '"')
  state=$(printf '%s' "$line" | cut -f "$membership")
  at=$(printf '%s' "$line" | cut -f "$address")
  case ",${ADDRESSES:-$at}," in
    *",$at,"*) ;;
    *) continue ;;
  esac
  case "$where," in
    "region=$REGION,"*) [ "$state" = decommissioned ] || printf '%s ' "$node" ;;
  esac
done)
if [ -z "$nodes" ]; then
  echo "no node of region $REGION${ADDRESSES:+ at $ADDRESSES} is left in the membership"
  exit 0
fi
echo "decommissioning nodes $nodes(region $REGION)"
# shellcheck disable=SC2086
exec "$cockroach" node decommission $nodes --wait=all $connection "--cluster-name=$CLUSTER_NAME"
