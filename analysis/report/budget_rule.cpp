#include "analysis/report/budget_rule.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/layers/similarity_statistic.h"
#include "analysis/layers/statistic_list.h"

namespace kvscope {
namespace {

bool holds_statistic(const CaptureReader& file, const std::string& name) {
  const LayerStatisticKind* statistic = find_layer_statistic(name);
  if (statistic == nullptr) return false;
  if (statistic->family == StatisticFamily::attention) return file.layout().has(Part::mass);
  return statistic->family == StatisticFamily::similarity && file.layout().has(Part::similarity);
}

BudgetOrigin origin_of(const ReportBudget& budget) {
  return budget.budget.rule.value_or(BudgetOrigin{});
}

}  // namespace

std::string why_rule_is_elsewhere(const ReportBudget& budget, const CaptureReader& file) {
  const BudgetOrigin origin = origin_of(budget);
  if (origin.statistic.empty()) {
    return fmt::format("{} does not say what told its layers apart.", budget.name);
  }
  if (!holds_statistic(file, origin.statistic)) {
    return fmt::format("The layers of {} were chosen by {}, which {} does not hold.", budget.name,
                       origin.statistic, file_name(file));
  }
  if (!holds_capture(file, origin.capture_id)) {
    return fmt::format("The layers of {} were chosen by {} of another capture than that of {}.",
                       budget.name, origin.statistic, file_name(file));
  }
  return "";
}

std::string who_read(const ReportFiles& files, const CaptureReader& file,
                     const std::vector<std::string>& shown) {
  std::string text;
  for (const ReportBudget& budget : files.budgets) {
    const BudgetOrigin origin = origin_of(budget);
    if (origin.statistic.empty()) continue;
    const bool is_shown = std::find(shown.begin(), shown.end(), origin.statistic) != shown.end();
    const char* what = !is_shown                                ? ", not by this"
                       : holds_capture(file, origin.capture_id) ? ": read from this"
                                                                : " of another capture";
    text += fmt::format("{}The layers of {} were chosen by {}{}.", text.empty() ? "" : " ",
                        budget.name, origin.statistic, what);
  }
  return text;
}

}  // namespace kvscope
