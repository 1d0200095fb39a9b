#include "analysis/views/plan_notices.h"

#include <utility>

#include <fmt/format.h>

#include "analysis/planner/explanation.h"
#include "core/budget/budget_doubts.h"
#include "core/capture/capture_reader.h"

namespace kvscope {
namespace {

void add(std::vector<PlanNotice>& notices, PlanNoticeKind kind, std::string text) {
  if (text.empty()) return;
  const NoticeSeverity severity =
      kind == PlanNoticeKind::room_left ? NoticeSeverity::info : NoticeSeverity::warning;
  notices.push_back({kind, severity, std::move(text)});
}

void add_of_file(std::vector<PlanNotice>& notices, const CaptureReader& file,
                 const LayerStatisticKind* statistic) {
  if (!file.complete() || any_loss(file.all_losses(), LossSeverity::warning)) {
    add(notices, PlanNoticeKind::doubtful_file,
        fmt::format("{}: unfinished, or with lost data ('kvscope info' says what): the plan rests "
                    "on the rest",
                    file.path()));
  }
  if (statistic == nullptr || !looks_at_the_analysis(*statistic)) return;
  const std::string& policy = file.record().policy;
  if (policy == vanilla_policy) return;
  add(notices, PlanNoticeKind::file_under_budget,
      fmt::format("{}: made under a budget (policy {}): its statistics are those of what was left "
                  "of the cache, not of the vanilla one",
                  file.path(), policy));
}

}  // namespace

std::vector<PlanNotice> plan_notices(const PlanFacts& facts) {
  std::vector<PlanNotice> notices;
  if (facts.file != nullptr) add_of_file(notices, *facts.file, facts.statistic);
  if (facts.values != nullptr) {
    add(notices, PlanNoticeKind::few_units, doubt_of(*facts.values));
  }
  if (facts.explanation != nullptr) {
    add(notices, PlanNoticeKind::room_left, room_left(*facts.explanation));
  }
  if (facts.budget != nullptr) {
    for (std::string& doubt : doubts_of(*facts.budget)) {
      add(notices, PlanNoticeKind::edited_budget, std::move(doubt));
    }
  }
  return notices;
}

}  // namespace kvscope
