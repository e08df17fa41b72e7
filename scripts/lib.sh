# What the scripts share; sourced, never run.

# Another shell would not know BASH_SOURCE: `root` would be /, and every source file of the machine would be touched below.
if [ -z "${BASH_VERSION:-}" ]; then
  echo "scripts/lib.sh needs bash" >&2
  exit 2
fi
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ ! -f "$root/scripts/lib.sh" ] || [ ! -f "$root/Cargo.toml" ]; then
  echo "scripts/lib.sh: $root is not a checkout of Tally" >&2
  exit 2
fi

# Built files live outside the checkout, so that every clone and every command shares them.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tally/target}"

# Programs from PyPI that only ./test needs.
python_tools=${XDG_CACHE_HOME:-$HOME/.cache}/tally/python-tests

# Incremental files are written for the next change, and nobody changes anything where a machine checks; they double what is built.
if [ -n "${CI:-}" ]; then export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"; fi

# Cargo distinguishes workspace crates by their place within the checkout, and fresh from stale by the times of files. Where
# another checkout built last, what it left would pass for this one's, its paths included: sources count as changed then.
# Dependencies stay shared.
last_checkout="$CARGO_TARGET_DIR/checkout"
if [ "$(cat "$last_checkout" 2>/dev/null)" != "$root" ]; then
  find "$root" \( -name .git -o -name node_modules -o -name target -o -name build \) -prune \
    -o -type f \( -name '*.rs' -o -name '*.toml' \) -exec touch -c {} +
  mkdir -p "$CARGO_TARGET_DIR"
  printf '%s\n' "$root" >"$last_checkout"
fi

# A Rust installed by rustup may not be on the PATH of this shell yet.
if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
  export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
fi

# Gigabytes that are free where built files are, or nothing where that cannot be found out.
free_space() { df -Pk "$CARGO_TARGET_DIR" 2>/dev/null | awk 'NR == 2 { print int($4 / 1048576) }'; }

# Is there a number, and is it less than WANTED?
is_short() { local left; left=$(free_space); [ -n "$left" ] && [ "$left" -lt "$1" ]; }

# Locked by each ./test that runs: shared, so that several do; alone by who removes what they run.
tests_lock=$CARGO_TARGET_DIR/tests.lock

# hold_binaries: from now on until this process and those that it started end, nobody removes the binaries of tests.
hold_binaries() {
  command -v flock >/dev/null || return 0
  mkdir -p "$CARGO_TARGET_DIR"
  exec 9>"$tests_lock"
  flock --shared 9
}

# discard FOLDER: of the built files, unless a cargo is building there, or tests of any checkout run what is in it.
discard() {
  local folder=$CARGO_TARGET_DIR/$1 lock=$CARGO_TARGET_DIR/debug/.cargo-lock
  local remove=(rm -rf "$folder")
  [ -d "$folder" ] || return 0
  say "$(free_space) GB are left on the disk: removing $folder"
  if command -v flock >/dev/null; then
    [ ! -e "$lock" ] || remove=(flock --nonblock "$lock" "${remove[@]}")
    # Tests run no incremental files.
    [ "$1" != debug ] || remove=(flock --nonblock "$tests_lock" "${remove[@]}")
  fi
  "${remove[@]}" || say "it is in use, or could not be removed"
}

# make_room GOAL: cargo never removes what it once built, and a linker that finds no room dies of a bus error. First go the files
# that only the next change would use, then, for tests, all that tests have built.
make_room() {
  ! is_short 15 || discard debug/incremental
  [ "$1" != test ] || ! is_short 5 || discard debug
  ! is_short 5 || say "only $(free_space) GB are left where built files go: $CARGO_TARGET_DIR"
}

say() { printf '[%s] %s\n' "$(basename "$0")" "$*"; }
die() { say "$*" >&2; exit 1; }

# step NAME COMMAND...: a heading, the command, how long it took; a failure ends the script.
step() {
  local name=$1 started=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    printf -- '-- %s: %d s\n' "$name" $((SECONDS - started))
  else
    printf -- '-- %s: FAILED after %d s\n' "$name" $((SECONDS - started)) >&2
    exit 1
  fi
}

# test_targets LIBRARY: names of the tests beside a library of crates/: files, and folders that have a main.rs.
test_targets() {
  local path
  for path in crates/"$1"/tests/*.rs crates/"$1"/tests/*/main.rs; do
    [ -e "$path" ] || continue
    case $path in */tests/*/main.rs) path=${path%/main.rs} ;; esac
    basename "$path" .rs
  done
}

# at_least HAVE WANT: is version HAVE (1.96.0) not older than WANT (1.95)?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

may_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

# as_root COMMAND...: directly, or through sudo, or not at all.
as_root() {
  may_be_root || die "this needs root, and there is no sudo. An administrator has to run: $*"
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_install PACKAGE...: from the distribution, with fresh package lists where the first try fails.
apt_install() {
  command -v apt-get >/dev/null || die "there is no apt-get here: install these by hand, then try again: $*"
  may_be_root || die "root or sudo is needed. An administrator has to run: apt-get install $*"
  say "apt-get install $*"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@")
  if [ -z "${apt_lists_fresh:-}" ]; then
    as_root apt-get update -qq || say "the package lists could not be refreshed; going on with the old ones"
    export apt_lists_fresh=1
  fi
  as_root "${install[@]}" >/dev/null || die "apt-get could not install: $*"
}
