#include "analysis/planner/plan_json.h"

#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "analysis/planner/explanation.h"
#include "core/base/json_fields.h"

namespace kvscope {
namespace {

using Json = nlohmann::json;

Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json statistic_json(const LayerStatisticValues& statistics, const PlanExplanation& explanation) {
  return {{"name", statistics.name},
          {"meaning", statistics.meaning},
          {"demanding", statistics.demand == LayerDemand::none ? Json()
                        : explanation.high_is_demanding        ? Json("high")
                                                               : Json("low")},
          {"theta", or_null(explanation.theta)},
          {"samples", statistics.samples},
          {"resampled_batches", statistics.batches},
          {"confidence", explanation.confidence}};
}

Json heads_json(const KeptHeads& kept) {
  return {{"kept_tokens", kept.kept_tokens}, {"read_tokens", kept.read_tokens}};
}

Json kept_json(const KeptTokens& kept) {
  Json json = {{"layer", kept.layer},
               {"class", name_of(kept.layer_class)},
               {"keeps", kept.rule.in_words()},
               {"logical_peak_bytes", kept.held_peak_bytes}};
  if (kept.groups.size() == 1) {
    json.update(heads_json(kept.groups.front()));
    return json;
  }
  for (const KeptHeads& heads : kept.groups) {
    Json of_heads = heads_json(heads);
    of_heads["heads"] = heads.heads.indices();
    json["head_groups"].push_back(std::move(of_heads));
  }
  return json;
}

Json row_json(const PlanRow& row) {
  Json json = kept_json(row);
  json["statistic"] = finite_or_null(row.statistic);
  json["low"] = finite_or_null(row.low);
  json["high"] = finite_or_null(row.high);
  json["stability"] = finite_or_null(row.stability);
  return json;
}

Json totals_json(const PlanExplanation& explanation) {
  Json json = {{"batch", explanation.batch},
               {"key_element_bytes", explanation.shape.key_element_bytes},
               {"value_element_bytes", explanation.shape.value_element_bytes},
               {"logical_peak_bytes", explanation.logical_peak_bytes},
               {"resident_peak_bytes", explanation.resident_peak_bytes},
               {"ratio_of_read", explanation.ratio_of(Denominator::read)},
               {"ratio_of_final", explanation.ratio_of(Denominator::final)},
               {"read_bytes", explanation.read_bytes},
               {"final_bytes", explanation.final_bytes},
               {"vanilla_resident_peak_bytes", explanation.vanilla_resident_bytes},
               {"limit", Json()}};
  if (explanation.limit) {
    json["limit"] = {{"bytes", explanation.limit->bytes},
                     {"of", explanation.limit->of == KvBytes::resident ? "resident" : "logical"},
                     {"reached_bytes", explanation.limited_bytes()},
                     {"with_fill_bytes", or_null(explanation.filled_bytes)}};
  }
  return json;
}

}  // namespace

Json to_json(const std::vector<KeptTokens>& layers) {
  Json json = Json::array();
  for (const KeptTokens& kept : layers) json.push_back(kept_json(kept));
  return json;
}

Json to_json(const Plan& plan, const LayerStatisticValues& statistics) {
  Json layers = Json::array();
  for (const PlanRow& row : plan.explanation.rows) layers.push_back(row_json(row));
  return {{"schema", plan_schema},
          {"budget", to_json(plan.budget)},
          {"statistic", statistic_json(statistics, plan.explanation)},
          {"layers", std::move(layers)},
          {"totals", totals_json(plan.explanation)},
          {"other_statistics", Json()},
          {"why", Json()}};
}

}  // namespace kvscope
