#!/bin/sh
# Makes the cluster's schedule of backups what the config says: made where there is none of this label, else altered in place, which
# keeps its id and its chain of backups. Then asks whether it is there. Again: nothing changes.
# Environment: LABEL, RECURRENCES (what SHOW SCHEDULES has to say, sorted, a line each), SQL_DIR (with create.sql, there.sql, into.sql and
# alter.sql), HOST, RPC_PORT, CERTS_DIR; COCKROACH, the program, for tests.
set -eu
cockroach=${COCKROACH:-/cockroach/cockroach}
connection="--certs-dir=$CERTS_DIR --host=$HOST:$RPC_PORT"

rows() { # of a query, without the header
  # shellcheck disable=SC2086  # one word per flag
  answer=$("$cockroach" sql $connection --format=tsv --execute="$1")
  printf '%s\n' "$answer" | tail -n +2
}
ask() { # a column of this label's schedules
  rows "SELECT $1 FROM [SHOW SCHEDULES] WHERE label = '$LABEL' ORDER BY $1"
}

ids=$(ask id)
if [ -z "$ids" ]; then
  echo "making the schedule"
  statement=$(cat "$SQL_DIR/create.sql")
else
  id=$(printf '%s\n' "$ids" | head -n 1)
  echo "altering schedule $id"
  into=
  # Only where it goes elsewhere: SET INTO begins with a full backup, whatever was there.
  [ "$(rows "$(cat "$SQL_DIR/there.sql")")" != 0 ] || into="$(cat "$SQL_DIR/into.sql"), "
  statement="ALTER BACKUP SCHEDULE $id $into$(cat "$SQL_DIR/alter.sql")"
fi
# shellcheck disable=SC2086
"$cockroach" sql $connection --execute="$statement"

found=$(ask recurrence)
if [ "$found" != "$RECURRENCES" ]; then
  echo "the schedules of label $LABEL run at: $found; the config says: $RECURRENCES" >&2
  exit 1
fi
