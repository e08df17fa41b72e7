#!/bin/sh
# Cargo's wrapper around rustc for workspace crates, set by `cargo xtask fuzz`: adds the coverage counters that libFuzzer reads.
# Dependencies are left as every other build has them; build scripts run on this machine and have no fuzzer to count for.
rustc=$1
shift
case " $* " in
  *" --crate-name build_script_"* | *" --print "* | *" -vV "*) exec "$rustc" "$@" ;;
esac
exec "$rustc" "$@" -Cpasses=sancov-module \
  -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares
