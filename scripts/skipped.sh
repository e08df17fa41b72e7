#!/usr/bin/env bash
# What was not checked, and why: one line each, from the logs in a folder. With CI set, only what a machine itself does not allow
# may be left out: whatever can be installed has to be there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

logs=${1:?usage: scripts/skipped.sh FOLDER}
# Namespaces, processors and the registry at hand belong to the machine. Without an engine for containers the steps of the image ran without one;
# Debian's compiler for the browser side comes without clippy.
machine='namespaces|no engine for containers|no SHA instructions|this registry has packages only|has no clippy of its own'

lines=$(grep -rhoE 'SKIP(PED)?: [^<]*' "$logs" | sort | uniq -c | sed -E 's/^ *([0-9]+) /\1 x /') || true
if [ -z "$lines" ]; then exit 0; fi
printf '\n== not checked\n%s\n' "$lines"
if [ -n "${CI:-}" ] && grep -vE "$machine" <<<"$lines" >/dev/null; then
  die "in CI the tools and corpora named above have to be there"
fi
