#!/usr/bin/env bash
# comment.sh FILE: a stack's note on the merge request, made or, the next time, changed.
# GitLab lets no job's own token write notes: without REVIEW_TOKEN (a project access token, role Reporter, scope api)
# nothing is done, and the summary is the artifact that the merge request shows as «Preview».
set -euo pipefail
if [ -z "${REVIEW_TOKEN:-}" ] || [ -z "${CI_MERGE_REQUEST_IID:-}" ]; then
  exit 0
fi
notes="$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
marker="<!-- preview of $STACK -->"
call() {
  curl --fail --silent --show-error --header "@-" "$@" <<<"PRIVATE-TOKEN: $REVIEW_TOKEN"
}
id=$(call "$notes?per_page=100" | jq --arg marker "$marker" 'map(select(.body | startswith($marker)))[0].id // empty')
body=$(mktemp)
{ printf '%s\n' "$marker"; cat "$1"; } | jq --raw-input --slurp '{body: .}' >"$body"
if [ -n "$id" ]; then
  call --request PUT --header 'Content-Type: application/json' --data "@$body" "$notes/$id" >/dev/null
else
  call --request POST --header 'Content-Type: application/json' --data "@$body" "$notes" >/dev/null
fi
