#!/usr/bin/env bash
# Tries the API from its own description, with programs of others: a validator, schemathesis against a running node, a
# generated client that reads every answer, and Prometheus' checker of metrics. TALLY_TEST_BINARY names the program under test;
# TALLY_API_EXAMPLES is how many requests schemathesis makes of each operation.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

tally=${TALLY_TEST_BINARY:-$CARGO_TARGET_DIR/release/tally}
tools=${XDG_CACHE_HOME:-$HOME/.cache}/tally/python-tests/bin
[ -x "$tools/schemathesis" ] || {
  echo "SKIP: schemathesis and its friends are missing; scripts/setup.sh test installs them"
  exit 0
}
work=$(mktemp -d)
node=
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; rm -rf "$work"' EXIT

token=interface-check-token-0123456789abcdef
printf '%s mining,peers,tokens\n' "$token" >"$work/tokens"
chmod 600 "$work/tokens"
"$tally" node --chain test --data-dir "$work/data" --listen 127.0.0.1:0 --p2p-listen 127.0.0.1:0 --mine --rate-limit-local 0 \
  --operator-token-file "$work/tokens" --log-level error >"$work/banner" 2>"$work/log" &
node=$!
url=
for _ in $(seq 240); do
  url=$(sed -nE 's/^ *interface +([^ ]+).*/\1/p' "$work/banner" | head -n 1)
  [ -z "$url" ] || break
  kill -0 "$node" 2>/dev/null || { cat "$work/log"; die "the node ended"; }
  sleep 0.25
done
url=${url%/}
[ -n "$url" ] || die "the node does not print where it listens"

"$tools/python" scripts/interface/chain.py "$url"

say "the description is valid OpenAPI 3.1"
"$tools/python" scripts/interface/description.py "$url/api/openapi.json" "$work/openapi.json"

say "a generated client reads every answer"
(cd "$work" && PATH="$tools:$PATH" "$tools/openapi-python-client" generate --path openapi.json --meta none --output-path client --overwrite >"$work/generated" 2>&1) ||
  { cat "$work/generated"; die "no client can be generated"; }
if grep -iE 'warning|error' "$work/generated"; then die "the client is not whole"; fi
PYTHONPATH=$work "$tools/python" scripts/interface/answers.py "$url" "$token"

say "metrics are as Prometheus wants them"
if command -v promtool >/dev/null; then
  curl -fsS "$url/metrics" | promtool check metrics
else
  echo "SKIP: promtool is missing; scripts/setup.sh test installs it"
fi

say "schemathesis: any request gets an answer that the description allows"
# The event stream never ends, so nothing waits for its end.
PYTHONPATH=scripts/interface SCHEMATHESIS_HOOKS=hooks "$tools/schemathesis" --config-file scripts/interface/schemathesis.toml run "$work/openapi.json" --url "$url" \
  --header "Authorization: Bearer $token" \
  --max-examples "${TALLY_API_EXAMPLES:-20}" --exclude-path /api/v1/events --exclude-path-regex '^/api/v1/peers' \
  --workers 2 --seed 1 --generation-deterministic --no-color

kill -0 "$node" 2>/dev/null || die "the node has ended"
"$tally" health --node "$url" >/dev/null
