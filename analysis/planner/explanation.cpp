#include "analysis/planner/explanation.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace kvscope {
namespace {

std::string interval_of(const PlanRow& row) {
  return std::isnan(row.low) ? "-" : fmt::format("{:.4f} … {:.4f}", row.low, row.high);
}

// Of fewer resampled samples or batches an interval tells hardly more than that they differ.
constexpr std::int64_t enough_units = 5;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

}  // namespace

std::string describe(const LayerRule& rule) {
  if (const auto* local = std::get_if<KeepLocal>(&rule)) {
    return fmt::format("condensed {}, local {}", local->condensed_scales, local->local_scales);
  }
  if (const auto* capacity = std::get_if<KeepCapacity>(&rule)) {
    return fmt::format("condensed {}, capacity {}", capacity->condensed_scales,
                       capacity->capacity_tokens);
  }
  return "all";
}

std::string heading(const LayerStatistics& statistics) {
  if (statistics.samples == 0) return statistics.meaning;
  const bool of_batches = statistics.batches > 0;
  std::string text = fmt::format("{}, {} samples; ", statistics.meaning, statistics.samples);
  if (statistics.resampled_means.empty()) {
    return text + fmt::format("no intervals from one {}", of_batches ? "batch" : "sample");
  }
  text += fmt::format("{:.0f} % bootstrap intervals", 100 * statistics.confidence);
  return of_batches ? text + fmt::format(" over {} batches", statistics.batches) : text;
}

std::string doubt_of(const LayerStatistics& statistics) {
  const bool of_batches = statistics.batches > 0;
  const std::int64_t units = of_batches ? statistics.batches : statistics.samples;
  if (statistics.resampled_means.empty() || units >= enough_units) return "";
  return fmt::format("intervals and stability come from only {} {} and say little; capture more{}",
                     units, of_batches ? "batches" : "samples",
                     of_batches ? ", or the same samples in smaller ones" : "");
}

std::string legend(const PlanExplanation& explanation) {
  const bool resampled = std::any_of(explanation.rows.begin(), explanation.rows.end(),
                                     [](const PlanRow& row) { return !std::isnan(row.stability); });
  return fmt::format(
      "{}→t: earlier tokens that scale t reads; peak bytes: of each layer's own peak, batch {}, K "
      "{} "
      "B + V {} B an element",
      resampled ? "stability: share of resamples that give the layer this class; " : "",
      explanation.batch, explanation.shape.key_element_bytes,
      explanation.shape.value_element_bytes);
}

Table layer_table(const PlanExplanation& explanation) {
  Table table;
  table.columns = {"layer",
                   "statistic",
                   explanation.confidence > 0
                       ? fmt::format("{:g} % interval", 100 * explanation.confidence)
                       : "interval",
                   "class",
                   "stability",
                   "keeps"};
  const std::size_t targets =
      explanation.rows.empty() ? 0 : explanation.rows.front().read_tokens.size();
  for (std::size_t target = 0; target < targets; ++target) {
    table.columns.push_back(fmt::format("→{}", target));
  }
  table.columns.push_back("peak bytes");
  for (const PlanRow& row : explanation.rows) {
    std::vector<std::string> cells = {
        fmt::to_string(row.layer),
        std::isnan(row.statistic) ? "-" : fmt::format("{:.4f}", row.statistic),
        interval_of(row),
        row.layer_class == LayerClass::demanding ? "demanding" : "efficient",
        std::isnan(row.stability) ? "-" : percent(row.stability),
        describe(row.rule)};
    for (const std::int64_t tokens : row.read_tokens) cells.push_back(fmt::to_string(tokens));
    cells.push_back(fmt::to_string(row.held_peak_bytes));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table total_table(const PlanExplanation& explanation) {
  const auto row = [&](const char* name, std::int64_t bytes, double of_read, double of_final) {
    return std::vector<std::string>{name, fmt::to_string(bytes), percent(of_read),
                                    percent(of_final)};
  };
  return {.columns = {"", "logical peak bytes", "of read", "of final"},
          .rows = {
              row("budget", explanation.logical_peak_bytes, explanation.ratio_of(Denominator::read),
                  explanation.ratio_of(Denominator::final)),
              row("vanilla", explanation.read_bytes, 1.0, explanation.vanilla_ratio_of_final())}};
}

}  // namespace kvscope
