#!/usr/bin/env bash
# Sets up, builds and runs every test. Arguments go to ctest, e.g. scripts/test.sh -L unit.
# KVSCOPE_PRESET names another CMake preset (release, debug, asan, tsan, cuda).
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${KVSCOPE_PRESET:-release}
scripts/setup.sh
cmake --preset "$preset"
cmake --build --preset "$preset"
ctest --preset "$preset" "$@"
