#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/layers/layer_statistic_values.h"

namespace kvscope {

/// Of the results of a sweep, from which damage is read.
inline constexpr std::string_view sweep_schema = "kvscope.sweep/1";

/// What it costs to leave one layer with its condensed scales while all others keep everything,
/// against the vanilla cache. Nothing where the pictures could not be scored.
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

/// Minus the token disagreement: the layers that suffer most are the demanding ones. Not the
/// scores: at 2,000 samples their order of layers hardly repeats under other seeds, that of the
/// tokens does at 200 (docs/results.md).
LayerStatisticValues damage_statistic(const MeasuredDamage& damage);

}  // namespace kvscope
