#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <c10/core/Device.h>

#include "analysis/quality/scorer.h"
#include "collectors/collector.h"
#include "core/budget/retention_plan.h"
#include "core/capture/file_layout.h"
#include "core/record/run_record.h"

namespace kvscope {

/// What a collector is made from. Record and plan outlive it.
struct CollectorSetup {
  const RunRecord& record;
  const RetentionPlan& plan;  ///< of the record's budget
  at::Device device;
  std::shared_ptr<const Scorer> scorer;  ///< of the record's settings, or null
};

/// A choice of the user's that a collector follows.
struct CollectorOption {
  std::string_view name;           ///< on the command line
  std::string_view default_value;  ///< as the user would write it, or in words
  std::string_view help;           ///< one phrase
};

/// What a collector says of itself: its line in the list.
struct CollectorEntry {
  std::string_view name;  ///< in settings.collectors
  std::string_view help;  ///< one phrase: what it gathers
  std::vector<CollectorOption> options = {};
  std::function<bool(const RunRecord&)> takes_part;  ///< whether a run has it
  /// Adds the parts that it fills to the layout of the run's file; null where every file has them.
  std::function<void(const RunRecord&, FileLayout&)> lay_out = {};
  std::function<std::unique_ptr<Collector>(const CollectorSetup&)> make;
};

using CollectorList = std::vector<CollectorEntry>;

/// Every collector there is, in the order in which they start and fill a record: what a later one
/// completes, an earlier one has put there. The timer is last, so that it times none of the others.
const CollectorList& all_collectors();

/// Names of those of `list` that take part in a run, sorted.
std::vector<std::string> collector_names(const CollectorList& list, const RunRecord& record);

/// Adds to the layout of a run's file the parts that those of `list` fill which take part.
void lay_out_parts(const CollectorList& list, const RunRecord& record, FileLayout& layout);

/// Those of `list` that take part, in its order.
std::vector<std::unique_ptr<Collector>> make_collectors(const CollectorList& list,
                                                        const CollectorSetup& setup);

}  // namespace kvscope
