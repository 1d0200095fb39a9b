#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/nd_array.h"

namespace kvscope {

/// Whose values a map shows: those of one head, or with nothing the mean over all heads of a layer.
using HeadChoice = std::optional<std::int64_t>;

// `values`, `similarity` and `shares` are [layer, head, target, source], as Statistics holds
// similarity, mass and density, and as attention_share gives shares. Maps are NaN where a value was
// not measured, or cannot be: a target reads no source that comes after it.

/// What one layer shows between scales, [target, source].
NdArray<double> scale_map(const NdArray<double>& values, std::int64_t layer,
                          HeadChoice head = std::nullopt);

/// How each scale resembles the one before, in all layers, [layer, target]; NaN for target 0.
NdArray<double> adjacent_map(const NdArray<double>& similarity, HeadChoice head = std::nullopt);

/// How much attention each source scale gets from later targets: the mean of their shares,
/// [layer, source]; NaN for the last scale, after which none comes.
NdArray<double> received_attention(const NdArray<double>& shares, HeadChoice head = std::nullopt);

/// Mean over the layers of a map [layer, …], by its second index.
std::vector<double> mean_over_layers(const NdArray<double>& map);

}  // namespace kvscope
