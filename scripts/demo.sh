#!/usr/bin/env bash
# The main job on the embedded demo model, on the CPU: capture, analyze, plan, run and score both,
# compare, report. Leaves everything in demo-out/ (or in the folder given as the first argument).
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-demo-out}
ratio=0.2
draw=(--model data/demo --batch 8 --seed 7)
# Scores need more samples than statistics; every batch is a timed pass.
run=(run "${draw[@]}" --samples 128 --score)
kvscope=build/release/bin/kvscope

step() { printf '\n== %s\n' "$1"; }

# Ninja's progress: one line that is drawn again on a terminal; elsewhere a line for every tenth.
build() {
  export NINJA_STATUS='   [%f of %t, %e s] '
  if [[ -t 1 ]]; then
    cmake --build --preset release --target kvscope kvscope-engine
    return
  fi
  cmake --build --preset release --target kvscope kvscope-engine | awk '
    match($0, /^ *\[[0-9]+ of [0-9]+, [0-9.]+ s\]/) {
      status = substr($0, 1, RLENGTH)
      split(status, word, /[][ ,]+/)
      tenth = int(10 * word[2] / word[4])
      if (tenth > shown) { print status; fflush(); shown = tenth }
      next
    }
    { print; fflush() }'
}

configure() {
  local log
  log=$(mktemp)
  if ! cmake --preset release >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

cat <<'TEXT'
This demo measures the KV cache of a small model, plans a cache of a fifth of the bytes, and shows
what that saves and what it costs. Times are for 2 CPU cores and an empty machine; what is there
already is not done again. Altogether: about 10 minutes the first time, then about 2.
TEXT

step '1 of 8, setup: packages and LibTorch (about 3 minutes the first time, by your network)'
scripts/setup.sh
step '2 of 8, build: kvscope (about 5 minutes the first time)'
configure
build

# What an earlier demo left; whatever else is there stays.
rm -rf "$out"/{base,vanilla,ams}.* "$out"/{budget.json,plan.txt,report.html}
mkdir -p "$out"

step '3 of 8, capture: 16 pictures by the model as it is, K and V of every layer (10 seconds)'
"$kvscope" capture "${draw[@]}" --samples 16 --store raw -o "$out/base.h5"
step '4 of 8, analyze: how alike the scales are in each layer (1 second)'
"$kvscope" analyze "$out/base.h5" -o "$out/base.analysis.h5"
step '5 of 8, plan: a fifth of what the vanilla cache must hold (1 second)'
"$kvscope" plan "$out/base.analysis.h5" --ratio "$ratio" --of read -o "$out/budget.json" \
  >"$out/plan.txt"
"$kvscope" info "$out/budget.json"
step '6 of 8, run: 128 pictures with the vanilla cache, scored (about 40 seconds)'
"$kvscope" "${run[@]}" -o "$out/vanilla.h5"
step '7 of 8, run: the same pictures under the budget, scored (about 40 seconds)'
"$kvscope" "${run[@]}" --budget "$out/budget.json" -o "$out/ams.h5"
step '8 of 8, report and comparison (about 5 seconds)'
"$kvscope" report "$out/vanilla.h5" "$out/ams.h5" "$out/base.analysis.h5" -o "$out/report.html"
"$kvscope" compare --brief "$out/vanilla.h5" "$out/ams.h5"

cat <<TEXT

What to look at next:
  $out/report.html   everything, with pictures: open it in a browser
  $kvscope compare $out/vanilla.h5 $out/ams.h5
  $out/plan.txt      which layers keep what, and why
  $kvscope info --all $out/ams.h5
TEXT
