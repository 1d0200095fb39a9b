#pragma once

#include <string>

#include "core/geometry/model_config.h"

namespace kvscope {

/// How many phi convolutions a VQVAE has (VAR, models/quant.py): none where quant_resi is 0, one
/// that all scales share, a few that they share, or one for each scale (share_quant_resi 0).
int phi_count(const ModelConfig& config);

/// Official name of a phi convolution inside `vae.quantize`, e.g. "quant_resi.qresi_ls.2".
std::string phi_name(const ModelConfig& config, int phi);

/// Which of `phis` convolutions a scale uses: the first whose tick is nearest to scale/(scales−1)
/// (models/quant.py, PhiPartiallyShared and PhiNonShared). The ticks are spaced in float64 as
/// numpy's linspace does it. This matters because some scales lie halfway between two ticks, as
/// with ten scales and four convolutions.
int phi_index(int scale, int scales, int phis);

}  // namespace kvscope
