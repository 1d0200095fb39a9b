#!/usr/bin/env bash
# Runs clang-tidy over our C++ files that a finished build compiles, or over those named:
# check_tidy.sh [build folder [file…]]. Uses the clang-tidy of .venv, whose version is pinned.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build/release}
commands=$(mktemp -d)
trap 'rm -r "$commands"' EXIT
# clang cannot read the precompiled headers of gcc: each source stands by its own includes.
sed -E 's/ (-fpch-preprocess|-Winvalid-pch|-include [^ ]*cmake_pch\.hxx)//g' \
  "$build/compile_commands.json" >"$commands/compile_commands.json"

files=("${@:2}")
if ((${#files[@]} == 0)); then
  mapfile -t files < <(git ls-files '*.cpp' | while read -r file; do
    if grep -qF "\"$PWD/$file\"" "$commands/compile_commands.json"; then echo "$file"; fi
  done)
fi
((${#files[@]})) || { echo "$build compiles none of our files" >&2; exit 1; }

# Even --quiet counts the warnings it hid in the headers of others.
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" "${KVSCOPE_VENV:-.venv}/bin/clang-tidy" --quiet -p "$commands" \
    2> >(grep -v ' warnings\? generated\.$' >&2)
