#!/usr/bin/env bash
# preview.sh STACK [flags of `pulumi preview`]: preview a stack with the policy pack, and write in folder .review what
# reviewers read: comment.md (the summary, and the whole diff folded away), diff.txt, preview.json.
# Fails where the preview fails, a policy is violated, or `python -m review` refuses a change.
set -uo pipefail
stack=$1
shift
out=.review
mkdir -p "$out"
pulumi preview --non-interactive --color never --stack "$stack" --diff --policy-pack policy "$@" >"$out/diff.txt" 2>&1
previewed=$?
pulumi preview --non-interactive --stack "$stack" --json --show-sames "$@" >"$out/preview.json"
.venv/bin/python -m review --markdown "$out/preview.json" >"$out/comment.md"
reviewed=$?
shown() { # a comment takes 65,536 characters; the whole text is in the job's log
  if [ "$(wc -c <"$out/diff.txt")" -le 40000 ]; then
    cat "$out/diff.txt"
  else
    head -c 20000 "$out/diff.txt"
    printf '\n… the middle is left out …\n'
    tail -c 20000 "$out/diff.txt"
  fi | iconv -c -f utf-8 -t utf-8
}
{
  printf '\n<details><summary><code>pulumi preview --diff --policy-pack policy</code> of %s: exit code %s</summary>\n\n' "$stack" "$previewed"
  printf '~~~~~diff\n'
  shown
  printf '\n~~~~~\n</details>\n'
} >>"$out/comment.md"
cat "$out/diff.txt"
[ "$previewed" -eq 0 ] && [ "$reviewed" -eq 0 ]
