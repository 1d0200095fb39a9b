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

scripts/setup.sh
cmake --preset release
cmake --build --preset release --target kvscope kvscope-engine
kvscope=build/release/bin/kvscope

rm -rf "$out"
mkdir -p "$out"

echo
echo "== capture: the model as it is, K and V of every layer and scale"
"$kvscope" capture "${draw[@]}" --samples 16 --store raw -o "$out/base.h5"
echo "== analyze: inter-scale similarity"
"$kvscope" analyze "$out/base.h5" -o "$out/base.analysis.h5"
echo "== plan: a fifth of what the vanilla cache must hold"
"$kvscope" plan "$out/base.analysis.h5" --ratio "$ratio" --of read -o "$out/budget.json"
echo "== run: the vanilla cache, then the budget, both scored"
"$kvscope" "${run[@]}" -o "$out/vanilla.h5"
"$kvscope" "${run[@]}" --budget "$out/budget.json" -o "$out/ams.h5"
echo "== report"
"$kvscope" report "$out/vanilla.h5" "$out/ams.h5" "$out/base.analysis.h5" -o "$out/report.html"
echo "== compare"
"$kvscope" compare "$out/vanilla.h5" "$out/ams.h5"
echo
echo "Files are in $out/: open $out/report.html in a browser."
