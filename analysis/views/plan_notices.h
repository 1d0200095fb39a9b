#pragma once

#include <string>
#include <vector>

#include "analysis/layers/layer_statistic_values.h"
#include "analysis/layers/statistic_list.h"
#include "analysis/planner/planner.h"
#include "core/budget/budget.h"

namespace kvscope {

class CaptureReader;

enum class PlanNoticeKind {
  doubtful_file,      ///< the file is unfinished, or has lost data
  file_under_budget,  ///< its statistics are those of what a budget had left of the cache
  few_units,          ///< intervals and stability come from hardly any samples or batches
  edited_budget,      ///< an edit by hand left behind what its layers do not agree with
  room_left,          ///< the limit was not used up
};

enum class NoticeSeverity {
  info,     ///< worth knowing
  warning,  ///< the plan may not be what it seems
};

/// Something to say to whoever plans, beside the plan itself.
struct PlanNotice {
  PlanNoticeKind kind = PlanNoticeKind::room_left;
  NoticeSeverity severity = NoticeSeverity::info;
  std::string text;  ///< a sentence without a full stop; a file is named by its path
};

/// What is known of a plan so far, each borrowed. Nothing is said of what is not given.
struct PlanFacts {
  const CaptureReader* file = nullptr;            ///< that statistics are read from
  const LayerStatisticKind* statistic = nullptr;  ///< which of them: goes with `file`
  const LayerStatisticValues* values = nullptr;   ///< what was read
  const PlanExplanation* explanation = nullptr;   ///< what they came to
  const Budget* budget = nullptr;                 ///< as it is now, edited by hand or not
};

/// In the order of the facts.
std::vector<PlanNotice> plan_notices(const PlanFacts& facts);

}  // namespace kvscope
