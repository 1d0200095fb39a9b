#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/layers/layer_statistic_values.h"

namespace kvscope {

/// Schema of the results of a sweep, from which damage is read.
inline constexpr std::string_view sweep_schema = "kvscope.sweep/1";

/// What a single layer costs, against the vanilla cache: it alone keeps only its condensed scales,
/// and all others keep everything. The figures of scores are empty where the pictures could not be
/// scored.
struct LayerDamage {
  std::optional<double> accuracy_drop;
  std::optional<double> frechet_rise;  ///< of the demo Fréchet distance
  double token_disagreement = 0;       ///< share of tokens that differ from vanilla's
  bool operator==(const LayerDamage&) const = default;
};

/// Damage of every layer of a model.
struct MeasuredDamage {
  std::string weights_sha256;
  std::vector<LayerDamage> layers;
};

/// The entry of one layer in the results of a sweep over single layers.
nlohmann::json to_json(const LayerDamage& damage, int layer);

/// Reads the results of `kvscope sweep --single-layers`. Throws BadInput for another file, and for
/// a sweep in which a layer is missing.
MeasuredDamage load_measured_damage(const std::string& path);

/// Minus the token disagreement, so that the layers that suffer most are the demanding ones. The
/// scores are not used: at 2,000 samples their order of the layers hardly repeats under other
/// seeds. That of the tokens repeats at 200 (docs/results.md).
LayerStatisticValues damage_statistic(const MeasuredDamage& damage);

}  // namespace kvscope
