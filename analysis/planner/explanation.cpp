#include "analysis/planner/explanation.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/units.h"

namespace kvscope {
namespace {

std::string interval_of(const PlanRow& row) {
  return std::isnan(row.low) ? "-" : fmt::format("{:.4f} … {:.4f}", row.low, row.high);
}

// Of fewer resampled samples or batches an interval tells hardly more than that they differ.
constexpr std::int64_t enough_units = 5;

using Row = std::vector<std::string>;

void add_kept_columns(Table& table, const KeptTokens& kept) {
  append(table.columns, {"keeps", "tokens"});
  // Where a terminal is too narrow for all columns, the targets stay together.
  table.groups.push_back({table.columns.size(), ""});
  for (std::size_t target = 0; target < kept.groups.front().read_tokens.size(); ++target) {
    table.columns.push_back(fmt::format("→{}", target));
  }
  table.columns.emplace_back("peak");
}

// Of head groups that differ: "424/5".
template <typename Tokens>
std::string of_groups(const KeptTokens& kept, Tokens tokens) {
  std::vector<std::int64_t> counts;
  for (const KeptHeads& heads : kept.groups) counts.push_back(tokens(heads));
  return fmt::format("{}", fmt::join(counts, "/"));
}

Row kept_cells(const KeptTokens& kept) {
  Row cells = {kept.rule.in_words(),
               of_groups(kept, [](const KeptHeads& heads) { return heads.kept_tokens; })};
  for (std::size_t target = 0; target < kept.groups.front().read_tokens.size(); ++target) {
    cells.push_back(
        of_groups(kept, [&](const KeptHeads& heads) { return heads.read_tokens[target]; }));
  }
  cells.push_back(plan_bytes(kept.held_peak_bytes));
  return cells;
}

// As what was asked for: a ratio, or bytes.
std::string in_limit_units(const PlanExplanation& explanation, std::int64_t bytes) {
  if (!explanation.ratio) return plan_bytes(bytes);
  const std::int64_t whole = explanation.bytes_of(explanation.ratio->of);
  return fmt::format("{:.4g}", static_cast<double>(bytes) / static_cast<double>(whole));
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

}  // namespace

std::string plan_bytes(std::int64_t bytes) { return format_bytes(bytes, 4); }

std::string heading(const LayerStatisticValues& statistics) {
  const char* direction = statistics.demand == LayerDemand::none ? ""
                          : statistics.negated                   ? "; high is demanding"
                                                                 : "; low is demanding";
  if (statistics.samples == 0) return statistics.meaning + direction;
  const bool of_batches = statistics.batches > 0;
  std::string text = fmt::format("{}, {} samples; ", statistics.meaning, statistics.samples);
  if (statistics.resampled_means.empty()) {
    return text + fmt::format("no intervals from one {}", of_batches ? "batch" : "sample") +
           direction;
  }
  text += fmt::format("{:.0f} % bootstrap intervals", 100 * statistics.confidence);
  if (of_batches) text += fmt::format(" over {} batches", statistics.batches);
  return text + direction;
}

std::string doubt_of(const LayerStatisticValues& statistics) {
  const bool of_batches = statistics.batches > 0;
  const std::int64_t units = of_batches ? statistics.batches : statistics.samples;
  if (statistics.resampled_means.empty() || units >= enough_units) return "";
  return fmt::format("intervals and stability come from only {} {} and say little; capture more{}",
                     units, of_batches ? "batches" : "samples",
                     of_batches ? ", or the same samples in smaller ones" : "");
}

std::string legend(const KvShape& shape) {
  return fmt::format(
      "tokens: most earlier tokens that the layer holds at a time; →t: earlier tokens that scale t "
      "reads; peak: bytes of each layer's own peak, batch {}, K {} B + V {} B an element",
      shape.samples(), shape.key_element_bytes, shape.value_element_bytes);
}

std::string legend(const PlanExplanation& explanation) {
  const bool resampled = std::any_of(explanation.rows.begin(), explanation.rows.end(),
                                     [](const PlanRow& row) { return !std::isnan(row.stability); });
  return (resampled ? "stability: share of resamples that give the layer this class; " : "") +
         legend(explanation.shape);
}

Table layer_table(const PlanExplanation& explanation) {
  Table table;
  table.columns = {"layer", "statistic",
                   explanation.confidence > 0
                       ? fmt::format("{:g} % interval", 100 * explanation.confidence)
                       : "interval",
                   "class", "stability"};
  if (!explanation.rows.empty()) add_kept_columns(table, explanation.rows.front());
  for (const PlanRow& row : explanation.rows) {
    Row cells = {fmt::to_string(row.layer),
                 std::isnan(row.statistic) ? "-" : fmt::format("{:.4f}", row.statistic),
                 interval_of(row), name_of(row.layer_class),
                 std::isnan(row.stability) ? "-" : percent(row.stability)};
    append(cells, kept_cells(row));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table layer_table(const std::vector<KeptTokens>& layers) {
  Table table;
  table.columns = {"layer", "class"};
  if (!layers.empty()) add_kept_columns(table, layers.front());
  for (const KeptTokens& kept : layers) {
    Row cells = {fmt::to_string(kept.layer), name_of(kept.layer_class)};
    append(cells, kept_cells(kept));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table total_table(const PlanExplanation& explanation) {
  const auto row = [&](const char* name, std::int64_t bytes, double of_read, double of_final,
                       std::int64_t resident) {
    return Row{name, plan_bytes(bytes), percent(of_read), percent(of_final), plan_bytes(resident)};
  };
  return {.columns = {"", "logical peak", "of read", "of final", "resident in a run"},
          .rows = {
              row("budget", explanation.logical_peak_bytes, explanation.ratio_of(Denominator::read),
                  explanation.ratio_of(Denominator::final), explanation.resident_peak_bytes),
              row("vanilla", explanation.read_bytes, 1.0, explanation.vanilla_ratio_of_final(),
                  explanation.vanilla_resident_bytes)}};
}

std::string room_left(const PlanExplanation& explanation) {
  if (!explanation.limit) return "";
  const std::int64_t asked = explanation.limit->bytes;
  const std::int64_t got = explanation.limited_bytes();
  const std::string got_text = in_limit_units(explanation, got);
  const std::string asked_text =
      explanation.ratio ? fmt::format("{}", explanation.ratio->ratio) : plan_bytes(asked);
  if (got >= asked || got_text == asked_text) return "";
  std::string text = fmt::format(
      "asked {}{}, got {}", asked_text,
      explanation.ratio ? fmt::format(" of {}", name_of(explanation.ratio->of)) : " resident",
      got_text);
  if (!explanation.filled_bytes) return text;
  if (*explanation.filled_bytes <= got) return text + "; --fill would get no more";
  return text + fmt::format("; --fill would get {}",
                            in_limit_units(explanation, *explanation.filled_bytes));
}

}  // namespace kvscope
