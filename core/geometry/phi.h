#pragma once

#include <string>

#include "core/geometry/model_config.h"

namespace kvscope {

/// How many phi convolutions a VQVAE has: none where quant_resi is 0, one that all scales share, a
/// few that they share, or (share_quant_resi 0) one for each scale (VAR, models/quant.py).
int phi_count(const ModelConfig& config);

/// Official name of a phi convolution inside `vae.quantize`, e.g. "quant_resi.qresi_ls.2".
std::string phi_name(const ModelConfig& config, int phi);

/// Which of `phis` convolutions a scale uses: the first whose tick is nearest to scale/(scales−1).
/// The ticks are spaced as numpy's linspace does in float64, because many pairs of counts (ten
/// scales and four convolutions) have scales halfway between two ticks (models/quant.py,
/// PhiPartiallyShared and PhiNonShared).
int phi_index(int scale, int scales, int phis);

}  // namespace kvscope
