#!/usr/bin/env bash
# Makes `cargo xtask build` able to compile for wasm32-unknown-unknown:
#
#   1. the Rust in use can do it already: nothing to do
#   2. rustup adds the target
#   3. Debian's Rust and its sources, the standard library compiled once into its sysroot; where another Rust
#      is the usual one, `build/wasm-rustc` makes xtask use Debian's for the browser side, and only there
#
# TALLY_WASM=rustup or TALLY_WASM=debian allows one of the last two ways only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

target=wasm32-unknown-unknown
only=${TALLY_WASM:-}
choice=build/wasm-rustc
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Does this rustc make a WASM module that uses the standard library? Tries the library and the linker at once.
makes_wasm() {
  printf '%s\n' '#[unsafe(no_mangle)] pub extern "C" fn f(n: u32) -> usize { (0..n).map(|i| i.to_string().len()).sum() }' |
    "$1" --edition 2024 --crate-type cdylib -O --target $target -o "$scratch/probe.wasm" - >"$scratch/probe.log" 2>&1
}

# What was found to work stays found as long as the compiler is the same.
stamp=$CARGO_TARGET_DIR/wasm-probe
known() { [ -z "$only" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(rustc -vV) $(cat "$choice" 2>/dev/null)" ]; }
remember() {
  mkdir -p "$CARGO_TARGET_DIR"
  printf '%s' "$(rustc -vV) $(cat "$choice" 2>/dev/null)" >"$stamp"
}

usual_rust() {
  rm -f "$choice"
  remember
  exit 0
}

known && exit 0
[ -z "$only" ] && makes_wasm rustc && usual_rust

if [ "$only" != debian ] && command -v rustup >/dev/null; then
  say "rustup target add $target"
  timeout "${RUSTUP_ADD_TIMEOUT:-180}" rustup target add $target && makes_wasm rustc && usual_rust
  say "rustup cannot provide $target here"
fi
[ "$only" = rustup ] && exit 1

packages=()
have() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
want() { for package in "$@"; do have "$package" || packages+=("$package"); done; }
want rustc-web cargo-web rust-web-src
[ ${#packages[@]} = 0 ] || apt_install "${packages[@]}"
rustc=/usr/bin/rustc
rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
have_version=$($rustc --version | cut -d' ' -f2)
at_least "$have_version" "$rust_wanted" ||
  die "Debian's Rust is $have_version, $rust_wanted is needed. With rustup: rustup target add $target"

llvm=$($rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
host=$($rustc -vV | sed -n 's/^host: //p')
library=$($rustc --print sysroot)/lib/rustlib
packages=()
want "lld-$llvm"
[ ${#packages[@]} = 0 ] || apt_install "${packages[@]}"

# rustc looks for its WASM linker under this name, in this folder only.
linker=$library/$host/bin/rust-lld
if [ ! -e "$linker" ]; then
  as_root mkdir -p "$(dirname "$linker")"
  as_root ln -s "/usr/lib/llvm-$llvm/bin/lld" "$linker"
fi

compile_std() {
  say "compiling the standard library for $target, once (about a minute)"
  mkdir -p "$scratch/std/src"
  : >"$scratch/std/src/lib.rs"
  printf '%s\n' '[package]' 'name = "stdbuild"' 'version = "0.0.0"' 'edition = "2024"' '[workspace]' \
    '[profile.release]' 'codegen-units = 1' >"$scratch/std/Cargo.toml"
  # Without embed-bitcode, link-time optimisation of what uses this library fails later.
  (cd "$scratch/std" && env -u CARGO_TARGET_DIR -u RUSTUP_TOOLCHAIN -u RUSTC_WRAPPER -u CARGO_ENCODED_RUSTFLAGS \
    RUSTC_BOOTSTRAP=1 RUSTC=$rustc RUSTFLAGS=-Cembed-bitcode=yes \
    /usr/bin/cargo build --quiet --release --target $target --target-dir "$scratch/out" \
    -Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test)
  rm -f "$scratch/out/$target/release/deps/"libstdbuild*
  as_root rm -rf "${library:?}/$target"
  as_root mkdir -p "$library/$target/lib"
  as_root install -m 644 "$scratch/out/$target/release/deps/"lib*.rlib "$library/$target/lib/"
}

makes_wasm $rustc || compile_std
makes_wasm $rustc || { cat "$scratch/probe.log" >&2; die "$rustc still cannot build for $target"; }
if [ "$(readlink -f "$(command -v rustc)")" = "$(readlink -f $rustc)" ]; then
  usual_rust
fi
mkdir -p build
echo $rustc >"$choice"
remember
say "the browser side is built with $($rustc --version), everything else with $(rustc --version)"
