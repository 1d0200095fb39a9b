#pragma once

#include <cstdint>

#include "analysis/layers/layer_statistic_values.h"

namespace kvscope {

// Choices of layers that look at nothing: what a measured statistic must beat.

/// No classes: all layers are treated alike. A plan that fills gives what their common capacity
/// leaves to single layers: the first ones, one step each.
LayerStatisticValues uniform_layers(int layers);

/// The first layers are the most demanding.
LayerStatisticValues first_layers(int layers);

/// The last layers are the most demanding.
LayerStatisticValues last_layers(int layers);

/// An order drawn from `seed`, the same on every machine.
LayerStatisticValues random_layers(int layers, std::uint64_t seed);

}  // namespace kvscope
