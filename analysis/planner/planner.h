#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "analysis/layers/layer_classes.h"
#include "analysis/layers/layer_statistic_values.h"
#include "analysis/planner/kept_tokens.h"
#include "analysis/planner/solver.h"
#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/policies/keep_all.h"
#include "core/budget/policies/rule_fields.h"
#include "core/geometry/model_config.h"

namespace kvscope {

/// Logical peak at most `ratio` of the denominator.
struct WithinRatio {
  double ratio = 0;
  Denominator of = Denominator::read;
};

/// All K and V buffers of a run at most `bytes` at the batch of the options.
struct WithinBytes {
  std::int64_t bytes = 0;
};

/// What decides how many layers are demanding.
using PlanChoice = std::variant<WidestGap, BelowTheta, MostDemanding, WithinRatio, WithinBytes>;

/// What efficient layers keep. If neither local scales nor a capacity is given, a limit (ratio or
/// bytes) solves for the capacity, starting from the condensed scales alone. Without a limit they
/// then keep the default local scales. Giving both is refused.
struct EfficientRule {
  int condensed_scales = default_condensed_scales;
  std::optional<int> local_scales = {};
  std::optional<std::int64_t> capacity_tokens = {};
};

struct PlanOptions {
  PlanChoice choice = WidestGap{};
  EfficientRule efficient = {};
  /// KeepAll, or KeepCapacity with the condensed scales of `efficient`.
  LayerRule demanding = KeepAll{};
  /// Under a limit: leave efficient layers with their condensed scales, solve no capacity.
  bool whole_scales = false;
  /// Under a limit: after the common capacity, raise those of single layers while anything fits.
  bool fill = false;
  int batch = 1;
  std::int64_t key_element_bytes = 2;
  std::int64_t value_element_bytes = 2;
  std::string capture_id = {};  ///< of the file the statistics come from
};

struct PlanRow : KeptTokens {
  double statistic = 0;  ///< as shown, see LayerStatisticValues; NaN without demand
  double low = 0;        ///< bootstrap interval; NaN with fewer than two resampled units
  double high = 0;
  double stability = 0;  ///< share of resamples with the same class; NaN if unknown
};

/// Why a budget is what it is: everything the plan table shows.
struct PlanExplanation {
  std::vector<PlanRow> rows;       ///< one per layer
  double confidence = 0;           ///< of the intervals
  bool high_is_demanding = false;  ///< or low
  std::optional<double> theta;  ///< as shown; tells the classes apart; none after a tie or without
                                ///< values
  int demanding_layers = 0;
  std::int64_t logical_peak_bytes = 0;
  std::int64_t read_bytes = 0;              ///< denominator: vanilla's own logical peak
  std::int64_t final_bytes = 0;             ///< denominator: all tokens of all layers
  std::int64_t resident_peak_bytes = 0;     ///< what the buffers of a run take
  std::int64_t vanilla_resident_bytes = 0;  ///< the same of the vanilla cache
  std::optional<ByteLimit> limit;           ///< asked for
  std::optional<WithinRatio> ratio;         ///< that the limit comes from
  /// What the same plan with `fill` would come to, in the bytes of the limit. Empty without a
  /// limit, when the plan is filled already, and where no capacity is solved for.
  std::optional<std::int64_t> filled_bytes;
  KvShape shape;  ///< what tokens were counted with
  int batch = 1;

  double ratio_of(Denominator denominator) const;
  /// What the ratio is taken of.
  std::int64_t bytes_of(Denominator denominator) const;
  /// What was asked for and what the plan comes to are counted in these.
  std::int64_t limited_bytes() const {
    return limit && limit->of == KvBytes::resident ? resident_peak_bytes : logical_peak_bytes;
  }
  /// Vanilla's own logical peak against all tokens.
  double vanilla_ratio_of_final() const;
};

struct Plan {
  Budget budget;  ///< with rule and expected filled
  PlanExplanation explanation;
};

/// Makes a budget for `config` from what the layers showed. Layers with a low statistic keep the
/// history. AMS-KV (arXiv 2511.16047) takes the inter-scale similarity for it.
///
/// - A statistic that only orders the layers goes with a limit, or with a number of demanding
///   layers.
/// - Without demand every layer follows the efficient rule. This is the control of the paper. It
///   goes with a limit, or with the default choice, which then decides nothing.
///
/// Throws UsageError for options that contradict each other. Throws Error for statistics of another
/// depth, for statistics without any gap when the gap decides, and for a limit that no number of
/// demanding layers meets. The last message names the smallest reachable ratio.
Plan make_plan(const LayerStatisticValues& statistics, const ModelConfig& config,
               const PlanOptions& options);

}  // namespace kvscope
