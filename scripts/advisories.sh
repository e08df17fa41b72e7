#!/usr/bin/env bash
# Compares Cargo.lock with a local copy of the RustSec database, where one lies beside the checkout.
# A vulnerability fails unless a decision under docs/adr/ carries a line "Waives: RUSTSEC-…".
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

checker=${TALLY_ADVISORY_CHECK:-../shared/tools/advisory_check.py}
if [ ! -f "$checker" ] || ! command -v python3 >/dev/null; then
  echo "SKIP: no offline advisory database found"
  exit 0
fi

found=$(python3 "$checker" Cargo.lock || true)
printf '%s\n' "$found"
# The summary line shows that the checker ran to its end.
grep -q '^packages [1-9]' <<<"$found" || die "the advisory check did not finish"
waived=$(sed -n 's/^Waives: \(RUSTSEC-[0-9-]*\).*/\1/p' docs/adr/*.md 2>/dev/null || true)
open=0
while read -r id; do
  if [ -n "$id" ] && ! grep -qx "$id" <<<"$waived"; then
    say "no waiver for $id under docs/adr/"
    open=1
  fi
done < <(grep '^VULNERABLE' <<<"$found" | grep -o 'RUSTSEC-[0-9]*-[0-9]*' | sort -u)
exit $open
