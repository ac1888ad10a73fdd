#!/usr/bin/env bash
# Makes git run the hooks in scripts/hooks in this checkout. `git config --unset core.hooksPath`
# undoes it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

git config core.hooksPath scripts/hooks
say "Before each commit git now checks format and lints. To undo: git config --unset core.hooksPath"
