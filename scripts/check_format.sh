#!/usr/bin/env bash
# Checks that every C++ file is formatted; with --fix, formats them. Uses the clang-format of .venv,
# whose version is pinned: others lay code out differently.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(--dry-run --Werror)
[[ ${1:-} == --fix ]] && mode=(-i)
git ls-files -z '*.h' '*.cpp' | xargs -0 "${KVSCOPE_VENV:-.venv}/bin/clang-format" "${mode[@]}"
