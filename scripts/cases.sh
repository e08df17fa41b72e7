#!/usr/bin/env bash
# Runs the cases from public bug reports against a binary, one line a case: what each does stands in its own folder, what has
# to come out of it stands here. The cases are no part of the checkout: TALLY_CASES names their folder.
#
#   TALLY_TEST_BINARY=…/tally TALLY_CASES=…/cases scripts/cases.sh [NUMBER…]
#
# Some need root and a tmpfs (17, 22), libfaketime (21), expect (06) or a Python with eth_account (22; it may be the first on
# the PATH: python3 -m venv FOLDER && FOLDER/bin/pip install eth-account). The ports 18281 to 18285, 18290, 18333 and 18381 to
# 18383 have to be free. What cannot run here is a visible SKIP. Whole outputs stay where a case failed. All of them take some 15 minutes.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cases=${TALLY_CASES:-}
if [ -z "$cases" ] || [ ! -f "$cases/env.sh" ]; then
  echo "SKIP cases: TALLY_CASES names no folder with cases (it has env.sh)"
  exit 0
fi
cases=$(cd "$cases" && pwd)
binary=${TALLY_TEST_BINARY:-}
[ -x "$binary" ] || { echo "TALLY_TEST_BINARY names no program" >&2; exit 2; }

# Other users have to reach the program and the files: two cases change their user.
work=$(mktemp -d)
chmod 755 "$work"
mkdir -p "$work/run" "$work/shared"
ln -s "$cases" "$work/shared/cases"
install -m 755 "$binary" "$work/tally"
install -m 644 "$root/end2end/fast.toml" "$work/fast.toml"
group=
passed=0 failed=0 skipped=0

end_group() {
  if [ -n "$group" ]; then
    kill -TERM -- "-$group" 2>/dev/null
    sleep 0.2
    kill -KILL -- "-$group" 2>/dev/null
  fi
  group=
}
trap 'end_group; [ "$failed" -gt 0 ] || rm -rf "$work"' EXIT

# has PATTERN…: each stands in the output; lacks PATTERN…: none does. What is wrong goes to $why.
has() {
  local pattern
  for pattern in "$@"; do
    grep -q -E -e "$pattern" "$log" || { why="no line has: $pattern"; return 1; }
  done
}
lacks() {
  local pattern
  for pattern in "$@"; do
    if grep -q -E -e "$pattern" "$log"; then
      why="a line has: $(grep -m 1 -E -e "$pattern" "$log" | cut -c 1-160)"
      return 1
    fi
  done
}
# counted NUMBER PATTERN: so many lines have it.
counted() {
  local found
  found=$(grep -c -E -e "$2" "$log")
  [ "$found" = "$1" ] || { why="$found lines instead of $1 have: $2"; return 1; }
}

# tools NAME…: or the case is skipped.
tools() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { why="$tool is missing"; return 1; }
  done
}
root_with_tmpfs() {
  [ "$(id -u)" = 0 ] || { why="it needs root"; return 1; }
  mkdir -p "$work/try"
  mount -t tmpfs -o size=16k tmpfs "$work/try" 2>/dev/null || { why="no tmpfs can be mounted"; return 1; }
  umount "$work/try"
}

# What each case needs, runs where it has no run.sh, and has to print.
needs_01() { tools python3; }
needs_05() { tools python3; }
needs_06() { tools python3 expect; }
needs_13() { tools python3 curl; }
needs_15() { tools python3 curl; }
needs_17() { tools openssl setpriv && root_with_tmpfs; }
needs_19() { tools curl; }
needs_20() { tools curl; }
needs_21() {
  tools python3 curl faketime || return 1
  ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || { why="libfaketime is missing"; return 1; }
}
needs_22() {
  tools python3 curl setpriv fallocate || return 1
  python3 -c 'import eth_account' 2>/dev/null || { why="python3 has no eth_account"; return 1; }
  root_with_tmpfs
}
needs_25() { tools curl iconv; }
needs_26() { tools python3 curl; }

# inputs: a copy of the case's files; rows.json names only those that are there.
inputs() {
  cp -r "$cases/$name" "$T/inputs" && python3 - "$T/inputs" <<'PYTHON'
import json, os, sys
folder = sys.argv[1]
path = os.path.join(folder, "rows.json")
rows = json.load(open(path, encoding="utf-8"))
def there(row):
    return any(os.path.exists(os.path.join(folder, row[0] + end)) for end in ("", ".txt"))
if isinstance(rows, dict):
    rows["ok"], rows["no"] = [list(filter(there, rows[part])) for part in ("ok", "no")]
else:
    rows = list(filter(there, rows))
json.dump(rows, open(path, "w", encoding="utf-8"))
PYTHON
}
imports() { inputs && vault base && python3 ../shared/cases/lib/try_imports.py "$T/inputs"; }
run_01() { imports; }
run_05() { imports; }
run_06() {
  inputs && python3 ../shared/cases/lib/try_phrases.py "$T/inputs"
  echo "== pasted at the prompt"
  expect "../shared/cases/$name/paste.exp"
}
run_26() {
  node_up n 18281 --mine false --stratum-listen 127.0.0.1:18333 || return 1
  python3 "../shared/cases/$name/dialog.py" 127.0.0.1 18333
  echo "rc=$?"
  node_down n
}

right_01() { lacks FAIL REFUSED Traceback && has 'pass: '; }
right_05() { lacks FAIL Traceback && has 'pass: '; }
right_06() {
  lacks FAIL Traceback && has 'pass: ' || return 1
  # Nothing of the phrase is in what the shell remembers.
  local kept
  kept=$(awk '/^--- history of the shell/ { on = 1; next } /^--- a vault was made/ { on = 0 } on' "$log")
  [ -n "$kept" ] || { why="the shell's history was not shown"; return 1; }
  if grep -q -E 'tenant|survey|luxury|scissors' <<<"$kept"; then
    why="the shell remembers a part of the phrase"
    return 1
  fi
}
right_13() {
  has '^rc=0$' '^rc=1$' 'waits already' 'already-pending' 'already-included' '"balance":"7000000000000000000"' &&
    lacks panicked
}
right_15() {
  lacks 'AssertionError' 'Traceback' 'was refused' && has "^\['time', 'height'" || return 1
  # The case takes an empty cell for a formula as well: a reward has no memo, and is none.
  why=$(grep 'FORMULA?' "$log" | grep -v -m 1 "^'' |")
  [ -z "$why" ]
}
right_17() {
  lacks FAIL panicked && has '^said .*pass$' 'real file: 3 \(3 is right\), by the link: 3' 'the old vault is whole' &&
    has '-> usb/real.json'
}
right_19() { lacks panicked 'vault made: yes' && has '^it runs$'; }
right_20() {
  lacks panicked || return 1
  # Under a name that the node was started for, as it was meant, it has to answer.
  why=$(awk '
    /^== / { allowed = /^== --allow-host/ }
    allowed && $1 == "Host:" && $NF != 200 { print $0; exit }
    $1 == "Host:" && ($3 == "/healthz" || $3 == "/readyz" || $3 == "/metrics") && $NF != 200 { print $0; exit }
    $1 == "Host:" && $2 == "evil.example" && $3 == "/api/v1/status" && $NF != 421 { print $0; exit }
    /refused at start/ && !/rc=2:/ { print $0; exit }' "$log")
  [ -z "$why" ] && has 'evil.example' 'refused at start, rc=2'
}
right_21() {
  lacks panicked 'bans \[[^]]' && has "this machine's clock" '^audit rc=0$' || return 1
  # With a right clock each is where the other is, three blocks more or less.
  why=$(awk '
    /^-- . again with a right clock/ { on = 1; first = ""; next }
    on && match($0, /height [0-9]+/) {
      height = substr($0, RSTART + 7, RLENGTH - 7)
      if (first == "") { first = height; next }
      on = 0
      if (first - height > 3 || height - first > 3) { print "heights " first " and " height " with right clocks"; exit }
    }' "$log")
  [ -z "$why" ]
}
right_22() {
  lacks panicked 'rc=135' && has 'unknown now: 0 \(0 is right\)' '^audit rc=0$' &&
    has '^readyz (503|000)|the node ended, rc=(1|10)$'
}
right_25() { lacks panicked && counted 5 'same genesis$' && has '^starts$' '^utf16.toml .*UTF-16' 'begins'; }
right_26() {
  has '^rc=0$' || return 1
  why=$(python3 - "$log" <<'PYTHON'
import ast, json, re, sys
text = open(sys.argv[1], encoding="utf-8", errors="replace").read()
parts = {}
for part in text.split("\n== ")[1:]:
    name, _, rest = part.partition("\n")
    parts[name] = re.findall(r"^   came : (.*)$", rest, re.M)
def of(number):
    return next((came for name, came in parts.items() if name.startswith(number + " ")), [])
taken = '"result": true'
wrong = []
def check(number, good):
    came = of(number)
    if not came or not good(came):
        wrong.append(f"{number}: {came}")
for number in "1", "2", "3":
    check(number, lambda came: all(taken in line for line in came))
check("4", lambda came: taken in came[-1])
check("5", lambda came: '"closed": false' in came[-1])
check("6", lambda came: '"result": [' in came[0])
check("7", lambda came: '"id": 1' in came[0] and '"id": 2' in came[1])
for name, came in parts.items():
    if name.startswith("8 id ") and f'"id": {json.dumps(ast.literal_eval(name[5:]))}' not in came[0]:
        wrong.append(f"{name}: {came}")
check("11", lambda came: not any('"closed": true' in line for line in came))
check("12", lambda came: '"result"' in came[-1])
print("; ".join(wrong)[:200])
PYTHON
  )
  [ -z "$why" ]
}

# in_case: what runs a case, in a group of processes of its own.
in_case() {
  export TALLY=$work/tally FAST=$work/fast.toml T=$work/$number name
  unset TALLY_NODE TALLY_WALLET TALLY_CONFIG TALLY_DATA_DIR TALLY_CHAIN TALLY_SPEC TALLY_CACERT TALLY_PIN
  unset TALLY_WALLET_PASSWORD TALLY_WALLET_PHRASE TALLY_KEYFILE_PASSWORD
  # curl and Python would use a proxy for nodes on this machine.
  unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
  mkdir -p "$T" && chmod 755 "$T"
  cd "$work/run" || return 1
  if [ -f "$cases/$name/run.sh" ]; then
    exec timeout 900 bash "$cases/$name/run.sh"
  fi
  # shellcheck source=/dev/null
  . ../shared/cases/env.sh
  "run_$number"
}

line() { printf '%-4s %-36s %s\n' "$1" "$name" "$2"; }

for folder in "$cases"/[0-9][0-9]-*/; do
  name=$(basename "$folder")
  number=${name%%-*}
  if [ "$#" -gt 0 ] && [[ " $* " != *" $number "* ]]; then continue; fi
  why=
  if ls "$folder"*.spec.ts >/dev/null 2>&1; then
    why="it is a test of the browser's: run it with end2end's Playwright"
  elif [ ! -f "$folder/run.sh" ] && ! declare -F "run_$number" >/dev/null; then
    why="it has no runner"
  elif ! declare -F "right_$number" >/dev/null; then
    why="what has to come out of it is not written here"
  elif declare -F "needs_$number" >/dev/null; then
    "needs_$number"
  fi
  if [ -n "$why" ]; then
    line SKIP "$why"
    skipped=$((skipped + 1))
    continue
  fi
  log=$work/$number.log
  started=$SECONDS
  # Jobs of an interactive shell are groups of their own.
  set -m
  in_case >"$log" 2>&1 </dev/null &
  group=$!
  set +m
  wait "$group"
  end_group
  if "right_$number"; then
    line pass "$((SECONDS - started)) s"
    passed=$((passed + 1))
  else
    line FAIL "$why ($log)"
    failed=$((failed + 1))
  fi
done
echo "cases: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
