#!/usr/bin/env bash
# Compares what is locked with what is known to be vulnerable, for Cargo and for npm.
#
# Cargo.lock is compared with a local copy of the RustSec database. A vulnerability fails unless a decision under docs/adr/
# carries a line "Waives: RUSTSEC-…". TALLY_ADVISORY_CHECK names the checker where it is not beside the checkout.
# npm packages are used by the browser tests only and never shipped; npm's own audit needs its registry to answer. A mirror that
# has packages only cannot: which registry there is belongs to the machine.
#
# A check that cannot be made prints a line that begins with SKIP, which ./test repeats at its end; with CI set, a missing
# checker, database or answer fails, since a gate that is silently open is none. scripts/gates.sh tries all of this.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

# missing WHAT: the gate cannot be closed.
missing() {
  [ -z "${CI:-}" ] || die "$1: in CI this has to be there"
  echo "SKIP: $1"
}

cargo_advisories() {
  local checker=${TALLY_ADVISORY_CHECK:-../shared/tools/advisory_check.py} found waived id open=0
  [ -f "$checker" ] || { missing "advisories of Cargo.lock: no checker at $checker"; return; }
  command -v python3 >/dev/null || { missing "advisories of Cargo.lock: no python3"; return; }
  found=$(python3 "$checker" Cargo.lock || true)
  printf '%s\n' "$found"
  # The summary line shows that the checker ran to its end; a database without a single advisory is none.
  grep -q '^packages [1-9]' <<<"$found" || die "the advisory check did not finish"
  [ -n "$(find "$(sed -n 's/.*advisories dir //p' <<<"$found")/crates" -name 'RUSTSEC-*.md' -print -quit 2>/dev/null)" ] ||
    { missing "advisories of Cargo.lock: the database is empty"; return; }
  waived=$(sed -n 's/^Waives: \(RUSTSEC-[0-9-]*\).*/\1/p' docs/adr/*.md 2>/dev/null || true)
  while read -r id; do
    if [ -n "$id" ] && ! grep -qx "$id" <<<"$waived"; then
      say "no waiver for $id under docs/adr/"
      open=1
    fi
  done < <(grep '^VULNERABLE' <<<"$found" | grep -o 'RUSTSEC-[0-9]*-[0-9]*' | sort -u)
  return $open
}

npm_advisories() {
  command -v npm >/dev/null || { missing "advisories of npm packages: no npm"; return; }
  command -v node >/dev/null || { missing "advisories of npm packages: no node"; return; }
  # Whatever is locked comes from the registry with a digest, so that nobody can exchange it.
  node -e '
    const lock = require(process.argv[1]);
    const loose = Object.entries(lock.packages).filter(([path, p]) => path !== "" && !p.link && !/^sha512-/.test(p.integrity ?? ""));
    for (const [path] of loose) console.error(`${path}: no sha512 digest in package-lock.json`);
    console.log(`npm packages ${Object.keys(lock.packages).length - 1}, without a digest ${loose.length}`);
    process.exit(loose.length === 0 ? 0 : 1);
  ' "$root/end2end/package-lock.json"
  local report
  report=$(cd end2end && timeout 60 npm audit --json 2>/dev/null) || true
  case $(node -e '
    let text = ""; process.stdin.on("data", d => text += d).on("end", () => {
      let report; try { report = JSON.parse(text); } catch { report = {}; }
      const found = report.metadata?.vulnerabilities;
      if (found) return console.log(found.high + found.critical === 0 ? "none" : "some");
      console.log([404, 405, 501].includes(report.statusCode) ? "mirror" : "unknown");
    })' <<<"$report") in
    none) echo "npm audit: nothing high or critical" ;;
    some) printf '%s\n' "$report"; die "npm audit: vulnerable packages" ;;
    mirror) echo "SKIP: npm audit: this registry has packages only, no advisories" ;;
    *) missing "npm audit: the registry does not answer advisory questions" ;;
  esac
}

cargo_advisories
npm_advisories
