#include "analysis/layers/damage_statistic.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_fields.h"

namespace kvscope {
namespace {

constexpr std::string_view where = "damage";

}  // namespace

nlohmann::json to_json(const LayerDamage& damage, int layer) {
  return {{"layer", layer},
          {"accuracy_drop", or_null(damage.accuracy_drop)},
          {"frechet_rise", or_null(damage.frechet_rise)},
          {"token_disagreement", damage.token_disagreement}};
}

MeasuredDamage load_measured_damage(const std::string& path) {
  const nlohmann::json json = read_json_file(path, where);
  JsonFields root(json, std::string(where), path);
  root.check_schema(sweep_schema);
  MeasuredDamage measured;
  measured.weights_sha256 = root.text("weights_sha256");
  const std::int64_t depth = root.object("model").integer("depth", 1);
  if (!root.has("damage")) {
    root.fail("damage", "the damage of every layer", "none (made by sweep --single-layers)");
  }
  const nlohmann::json& entries = root.array("damage");
  for (std::size_t layer = 0; layer < entries.size(); ++layer) {
    JsonFields fields = root.element("damage", layer);
    if (const std::int64_t index = fields.integer("layer", 0);
        index != static_cast<std::int64_t>(layer)) {
      fields.fail("layer", fmt::to_string(layer), fmt::to_string(index));
    }
    measured.layers.push_back({.accuracy_drop = fields.number_or_null("accuracy_drop"),
                               .frechet_rise = fields.number_or_null("frechet_rise"),
                               .token_disagreement = fields.number("token_disagreement")});
  }
  if (static_cast<std::int64_t>(entries.size()) != depth) {
    root.fail("damage", fmt::format("one entry for each of {} layers", depth),
              fmt::format("{} entries", entries.size()));
  }
  return measured;
}

LayerStatisticValues damage_statistic(const MeasuredDamage& damage) {
  std::vector<double> values;
  values.reserve(damage.layers.size());
  for (const LayerDamage& layer : damage.layers) values.push_back(-layer.token_disagreement);
  LayerStatisticValues statistics =
      layer_statistic_values(std::move(values), LayerDemand::measured);
  statistics.name = "damage";
  statistics.negated = true;
  statistics.meaning = "share of tokens that change when only this layer is condensed";
  return statistics;
}

}  // namespace kvscope
