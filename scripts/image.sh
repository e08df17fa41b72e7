#!/usr/bin/env bash
# Tries deploy/Dockerfile. Where an engine for containers answers, the image is built and run. Elsewhere the steps of its build
# stage run here, each in the shell that the file names for it (all but the installing of packages, which set-up has done),
# and what they put into /out is started the way the image would start it. The line HEALTHCHECK is run as it stands: it has to be
# content with a node that works, and with none that is not ready, does not answer or is not there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

file=deploy/Dockerfile
work=$(mktemp -d)
node=
container=
end() {
  [ -z "$node" ] || kill -KILL "$node" 2>/dev/null || true
  [ -z "$container" ] || "$container" rm -f tally-image-check >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap end EXIT

engine() {
  local name
  for name in docker podman; do
    if command -v "$name" >/dev/null && timeout 20 "$name" info >/dev/null 2>&1; then
      echo "$name"
      return
    fi
  done
}

# The words of the image's health check, and how many seconds it may take.
read -ra check <<<"$(sed -n 's/^HEALTHCHECK .*CMD //p' "$file" | tr -d '[],"')"
limit=$(sed -nE 's/^HEALTHCHECK .*--timeout=([0-9]+)s .*/\1/p' "$file")
[ ${#check[@]} -gt 1 ] && [ -n "$limit" ] || die "$file has no HEALTHCHECK with a --timeout and a CMD in brackets"

# healthy COMMAND...: waits until the check succeeds, half a minute at most; COMMAND is what runs it.
healthy() {
  for _ in $(seq 120); do
    if timeout "$limit" "$@" >"$work/health" 2>&1; then return 0; fi
    sleep 0.25
  done
  cat "$work/health"
  die "the image's node does not get healthy"
}

# unhealthy WHY WORDS COMMAND...: the check fails, and prints these words.
unhealthy() {
  local why=$1 words=$2
  shift 2
  if timeout "$limit" "$@" >"$work/health" 2>&1; then die "the image's health check is content with a node that $why"; fi
  [ -z "$words" ] || grep -q "$words" "$work/health" || { cat "$work/health"; die "the health check does not print $words"; }
}

# A chain that begins in a day: its node lives, and is not ready. Written by the program under test.
chain_ahead() {
  "$@" chain init "$ahead" --name ahead --chain-id 47110815 --genesis-time $(($(date +%s) + 86400)) >/dev/null
}

in_container() {
  local inside=("$1" exec tally-image-check "${check[@]}") ahead=/var/lib/tally/ahead.toml
  "$1" build -f "$file" -t tally-image-check .
  container=$1
  "$1" run --rm -d --name tally-image-check tally-image-check
  healthy "${inside[@]}"
  chain_ahead "$1" exec tally-image-check /usr/local/bin/tally
  "$1" exec tally-image-check cat "$ahead" >"$work/ahead.toml"
  chmod 644 "$work/ahead.toml"
  "$1" rm -f tally-image-check >/dev/null
  "$1" run --rm -d --name tally-image-check -v "$work/ahead.toml:/ahead.toml:ro" tally-image-check node --spec /ahead.toml
  healthy "${inside[@]:0:3}" "${check[0]}" health
  unhealthy "is not ready" not_begun "${inside[@]}"
}

# The RUN lines of the first stage, and the words of the last SHELL line before them (else Docker's /bin/sh -c).
steps() { sed -n '/^FROM .* AS build/,/^FROM [^ ]*$/p' "$file" | sed -n 's/^RUN //p'; }
shell_of_steps() {
  local line
  line=$(sed -n '/^FROM .* AS build/,/^FROM [^ ]*$/p' "$file" | sed -n 's/^SHELL //p' | tail -n 1)
  tr -d '[],"' <<<"${line:-/bin/sh -c}"
}

# start ARGUMENT...: `tally node` as the image starts it, in a data directory of its own; its URL goes to $url.
start() {
  rm -rf "$work/data" && : >"$work/banner"
  env -i PATH="$PATH" TALLY_DATA_DIR="$work/data" TALLY_LISTEN=127.0.0.1:0 TALLY_P2P_LISTEN=127.0.0.1:0 \
    "$work/out/tally" node "$@" >"$work/banner" 2>"$work/log" &
  node=$!
  for _ in $(seq 240); do
    grep -q '^ *interface' "$work/banner" && break
    kill -0 "$node" 2>/dev/null || { cat "$work/log"; die "the node of the image ended"; }
    sleep 0.25
  done
  url=$(sed -nE 's/^ *interface +([^ ]+).*/\1/p' "$work/banner" | head -n 1)
}

stop() {
  kill -TERM "$node"
  wait "$node" || true
  node=
}

by_hand() {
  local shell step url ahead=$work/ahead.toml binaries=$work/out
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
  # The check finds the program where this build has put it, and the node on the port that was free.
  local words=("${check[@]/#\/usr\/local\/bin/$binaries}")
  start
  healthy env TALLY_NODE="$url" "${words[@]}"
  kill -STOP "$node"
  unhealthy "does not answer" "" env TALLY_NODE="$url" "${words[@]}"
  kill -CONT "$node"
  stop
  unhealthy "is not running" "is it running" env TALLY_NODE="$url" "${words[@]}"
  chain_ahead "$work/out/tally"
  start --spec "$ahead"
  healthy env TALLY_NODE="$url" "${words[0]}" health
  unhealthy "is not ready" not_begun env TALLY_NODE="$url" "${words[@]}"
  stop
}

name=$(engine)
if [ -n "$name" ]; then
  in_container "$name"
else
  by_hand
  echo "SKIP: no engine for containers: the image's steps ran without one"
fi
