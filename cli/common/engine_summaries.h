#pragma once

#include <array>
#include <string_view>

namespace kvscope::cli {

struct CommandSummary {
  std::string_view name;
  const char* summary;
};

/// The subcommands that kvscope hands to its engine, in the order of its help, which lists them
/// where there is no engine too.
inline constexpr std::array engine_summaries = {
    CommandSummary{"capture", "Run the model, keep K and V, attention mass, timings"},
    CommandSummary{"analyze", "Compute inter-scale similarity from captures"},
    CommandSummary{"run", "Generate under a budget: images, tokens, timings, ledger"},
    CommandSummary{"score", "Judge demo images, or a budget on a vanilla run's tokens"},
    CommandSummary{"sweep", "Run and score budgets of many ratios and statistics"}};

/// Summary of one of them. A name that is not among them does not compile.
consteval const char* engine_summary(std::string_view name) {
  for (const CommandSummary& entry : engine_summaries) {
    if (entry.name == name) return entry.summary;
  }
  throw "expected a subcommand of engine_summaries";
}

}  // namespace kvscope::cli
