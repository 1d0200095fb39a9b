#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/budget/layer_rule.h"
#include "core/budget/policies/keep_all.h"
#include "core/budget/rule_list.h"
#include "core/geometry/model_config.h"

namespace kvscope {

/// Whether a layer needs the long history (AMS-KV, arXiv 2511.16047, section on layer-wise demand).
enum class LayerClass { demanding, efficient };

inline constexpr std::array<std::string_view, 2> layer_class_names = {"demanding", "efficient"};

constexpr const char* name_of(LayerClass layer_class) {
  return layer_class_names[static_cast<std::size_t>(layer_class)].data();
}

struct LayerBudget {
  LayerClass layer_class = LayerClass::demanding;
  LayerRule rule = KeepAll{};
  bool operator==(const LayerBudget&) const = default;
};

/// The part of a model that a budget depends on.
struct BudgetModel {
  int depth = 0;
  int heads = 0;
  int head_dim = 0;
  std::vector<int> patch_nums;
  bool operator==(const BudgetModel&) const = default;
};

/// How a budget came to be; all of it is informative and optional in the file. Empty: not known.
struct BudgetOrigin {
  std::string capture_id;                        ///< of the analysis the statistic was read from
  std::string choice;                            ///< one of choice_names
  std::string statistic;                         ///< as `plan --statistic` takes it: "cosine-key"
  std::optional<double> theta;                   ///< layers below it are demanding
  std::optional<std::int64_t> demanding_layers;  ///< asked for
  std::optional<double> ratio;                   ///< asked for, of `of`
  std::optional<std::string> of;                 ///< one of denominator_names
  std::optional<std::int64_t> kv_memory_bytes;   ///< asked for, of all buffers of a run
  bool fill = false;  ///< efficient layers got capacities of their own until nothing fitted
  bool operator==(const BudgetOrigin&) const = default;
};

/// Most images at a time that any command takes, and largest element of K or V: what keeps byte
/// counts far from overflow.
inline constexpr int largest_batch = 1 << 20;
inline constexpr int largest_element_bytes = 8;

/// Peak bytes the plan leads to, with everything the numbers depend on.
struct BudgetExpectation {
  std::int64_t logical_peak_bytes = 0;
  /// Of the buffers of a run; older files lack it.
  std::optional<std::int64_t> resident_peak_bytes = {};
  int batch = 1;
  std::int64_t key_element_bytes = 2;
  std::int64_t value_element_bytes = 2;
  double ratio_of_read = 0;
  double ratio_of_final = 0;
  bool operator==(const BudgetExpectation&) const = default;
};

/// A KV-cache budget: which cached scales each layer keeps ("kvscope.budget/1").
struct Budget {
  std::string policy;
  BudgetModel model;
  std::vector<LayerBudget> layers;  ///< one per layer
  std::optional<BudgetOrigin> rule;
  std::optional<BudgetExpectation> expected;
  bool operator==(const Budget&) const = default;
};

/// Whether two budgets lead to the same run: `rule` and `expected` only tell of it.
bool runs_alike(const Budget& a, const Budget& b);

BudgetModel budget_model_of(const ModelConfig& config);

/// Every layer keeps everything: the vanilla cache as a budget.
Budget vanilla_budget(const BudgetModel& model);

/// Reads a budget file. Throws BadInput with the path of the wrong field: unknown keys, a layer
/// with no rule or two, a rule that its model cannot keep, layers missing or twice.
Budget load_budget(const std::string& path);

/// The same from JSON text, with rules of these forms; `file` is only named in errors.
Budget parse_budget(std::string_view json, const std::string& file,
                    std::span<const RuleForm> forms = rule_forms());

nlohmann::json to_json(const Budget& budget);

/// Throws BadInput naming the first field in which the budget's model differs from `config`.
void check_budget_fits(const Budget& budget, const ModelConfig& config, const std::string& file);

}  // namespace kvscope
