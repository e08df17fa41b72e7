#!/usr/bin/env bash
# Tries deploy/Dockerfile. Where an engine for containers answers, the image is built and run. Elsewhere the steps of its build
# stage run here, each in the shell that the file names for it (all but the installing of packages, which set-up has done),
# and what they put into /out is started the way the image would start it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

file=deploy/Dockerfile
work=$(mktemp -d)
node=
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; rm -rf "$work"' EXIT

engine() {
  local name
  for name in docker podman; do
    if command -v "$name" >/dev/null && timeout 20 "$name" info >/dev/null 2>&1; then
      echo "$name"
      return
    fi
  done
}

# healthy COMMAND...: waits until it succeeds, half a minute at most.
healthy() {
  for _ in $(seq 120); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.25
  done
  die "the image's node does not get healthy"
}

in_container() {
  "$1" build -f "$file" -t tally-image-check .
  "$1" run --rm -d --name tally-image-check tally-image-check
  trap '"$1" rm -f tally-image-check >/dev/null 2>&1 || true' RETURN
  healthy "$1" exec tally-image-check /usr/local/bin/tally health
}

# The RUN lines of the first stage, and the words of the last SHELL line before them (else Docker's /bin/sh -c).
steps() { sed -n '/^FROM .* AS build/,/^FROM [^ ]*$/p' "$file" | sed -n 's/^RUN //p'; }
shell_of_steps() {
  local line
  line=$(sed -n '/^FROM .* AS build/,/^FROM [^ ]*$/p' "$file" | sed -n 's/^SHELL //p' | tail -n 1)
  tr -d '[],"' <<<"${line:-/bin/sh -c}"
}

by_hand() {
  local shell step
  read -ra shell <<<"$(shell_of_steps)"
  steps >"$work/steps"
  [ -s "$work/steps" ] || die "$file has no RUN line in its build stage"
  while read -r step; do
    step=${step//apt-get update && /}
    step=$(sed -E 's/apt-get install [^&]*&& //' <<<"$step")
    step=${step//\/out\//$work/out/}
    say "${shell[*]} '$step'"
    "${shell[@]}" "$step" </dev/null
  done <"$work/steps"
  env -i PATH="$PATH" TALLY_DATA_DIR="$work/data" TALLY_LISTEN=127.0.0.1:0 TALLY_P2P_LISTEN=127.0.0.1:0 \
    "$work/out/tally" node >"$work/banner" 2>"$work/log" &
  node=$!
  for _ in $(seq 240); do
    grep -q '^ *interface' "$work/banner" && break
    kill -0 "$node" 2>/dev/null || { cat "$work/log"; die "the node of the image ended"; }
    sleep 0.25
  done
  local url
  url=$(sed -nE 's/^ *interface +([^ ]+).*/\1/p' "$work/banner" | head -n 1)
  healthy "$work/out/tally" health --node "$url"
}

name=$(engine)
if [ -n "$name" ]; then
  in_container "$name"
else
  by_hand
  echo "SKIP: no engine for containers: the image's steps ran without one"
fi
