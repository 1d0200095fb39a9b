#include "analysis/report/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/report/markup.h"
#include "analysis/report/sections.h"

namespace kvscope {
namespace {

constexpr const char* style = R"css(
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f27; --soft: #5c6675;
  --rule: #e1e5eb; --tint: #f5f7fa; --shade: #1b1f2748; --good: #12805f; --bad: #b3400e; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #14171c; --ink: #e6e9ee; --soft: #9aa5b4;
  --rule: #2c333d; --tint: #1c2128; --shade: #00000090; --good: #4fd1a5; --bad: #f0955f; } }
* { box-sizing: border-box; }
body { margin: 0; overflow-wrap: break-word; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 28px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 21px; margin: 52px 0 10px; padding-top: 18px; border-top: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 28px 0 4px; }
p { margin: 0 0 10px; max-width: 80ch; }
.scope { color: var(--soft); font-size: 13px; max-width: 110ch; }
.pair { font-weight: 600; margin-top: 22px; }
.problems { border: 1px solid #d9822b; border-left-width: 5px; border-radius: 8px;
  padding: 4px 16px 8px; margin: 18px 0; }
.problems h3 { margin-top: 8px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; }
.tile { min-width: 0; background: var(--tint); border: 1px solid var(--rule); border-radius: 10px;
  padding: 14px 16px; }
.value { font-size: 26px; line-height: 1.2; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.words { font-size: 19px; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.what { font-weight: 600; }
/* Shadows lie at both edges; covers that move with the table hide them at its ends. */
.scroll { overflow-x: auto; background:
  linear-gradient(to right, var(--paper) 40%, transparent) left / 44px 100% no-repeat local,
  linear-gradient(to left, var(--paper) 40%, transparent) right / 44px 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / 14px 100% no-repeat scroll,
  linear-gradient(to left, var(--shade), transparent) right / 14px 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums;
  margin: 6px 0 12px; }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0;
  border-bottom: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
td { min-width: 5ch; }
th.n, td.n { text-align: right; white-space: nowrap; }
th.n { white-space: normal; }
.long { overflow-wrap: anywhere; min-width: 16ch; }
figure { margin: 12px 0; }
figcaption { color: var(--soft); font-size: 13px; margin-top: 4px; }
svg { max-width: 100%; height: auto; display: block; overflow: visible; }
svg text { fill: var(--ink); font: 13px system-ui, -apple-system, "Segoe UI", Roboto,
  "DejaVu Sans", sans-serif; }
svg text.small { fill: var(--soft); font-size: 11px; }
svg .grid { stroke: var(--rule); }
svg .cell { fill: var(--tint); stroke: var(--rule); }
svg .threshold { stroke: var(--ink); stroke-dasharray: 6 4; stroke-width: 1.5; }
.legend { margin: 4px 0 0; font-size: 13px; }
.legend span { display: inline-block; max-width: 100%; margin-right: 18px; }
.legend i { display: inline-block; width: 20px; margin-right: 7px; vertical-align: middle; }
.maps > * { min-width: 0; max-width: 100%; }
.maps { display: flex; flex-wrap: wrap; gap: 12px 40px; align-items: flex-start; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr)); gap: 16px; }
.pictures figure { margin: 0; break-inside: avoid; }
.three { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; }
.three img { width: 100%; height: auto; border-radius: 3px; }
pre { background: var(--tint); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px;
  white-space: pre-wrap; overflow-wrap: anywhere; font: 12.5px/1.5 ui-monospace, Menlo, Consolas,
  "DejaVu Sans Mono", monospace; }
.commands span { display: block; padding-left: 4ch; text-indent: -4ch; }
.long-text { max-height: 22em; overflow-y: auto; }
@media screen and (max-width: 640px) { main { padding: 24px 16px 40px; }
  svg.wide text { font-size: 19px; } svg.wide text.small { font-size: 17px; } }
@media print { main { max-width: none; padding: 0; } body { font-size: 12px; }
  .tile, figure, tr, img { break-inside: avoid; } p { break-inside: avoid; }
  .maps { display: block; } .maps > * { display: inline-block; vertical-align: top; margin-right: 24px; }
  h1, h2, h3, .pair, thead, h2 + p, h3 + p, p:has(+ figure), p:has(+ p + figure), p:has(+ .scroll),
  p:has(+ .maps), svg:has(+ .maps), p:has(+ .pictures), p:has(+ pre) { break-after: avoid; }
  .scroll, .long-text { overflow: visible; max-height: none; background: none; }
  table { font-size: 9px; width: 100%; } th, td { padding-right: 6px; }
  th, td, td.n { min-width: 6ch; white-space: normal; overflow-wrap: anywhere; }
  th:first-child, td:first-child { min-width: 13ch; } }
)css";

std::string subtitle(const ModelConfig& model) {
  return paragraph(
      fmt::format("{}: {} layers, {} heads × {} channels, {} scales ({}), {} px images", model.name,
                  model.depth, model.heads, model.head_dim(), model.patch_nums.size(),
                  fmt::join(model.patch_nums, ", "), model.image_size),
      "scope");
}

}  // namespace

std::string render_report(const std::vector<std::string>& paths, const JobControl& control) {
  const ReportFiles files = open_report_files(paths, control);
  const ModelConfig& model = files.compared[0].record().model;
  const std::string title = "KV cache of " + model.name;
  std::string body = fmt::format("<h1>{}</h1>\n", escape_markup(title)) + subtitle(model);
  for (const auto& part :
       {loss_section, headline_section, memory_section, time_section, budget_section, layer_section,
        similarity_section, attention_section, image_section, comparison_section, settings_section,
        reproduce_section}) {
    body += part(files);
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{} · "
      "kvscope</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n"
      "</html>\n",
      escape_markup(title), style, body);
}

}  // namespace kvscope
