#pragma once

#include <optional>

#include "core/image/image.h"

namespace kvscope {

/// Peak signal-to-noise ratio in dB over all pixels and channels of two 8-bit images; nothing when
/// they are identical (it would be infinite). Throws Error when the sizes differ.
std::optional<double> psnr(const Image& a, const Image& b);

/// Structural similarity (Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 2004): 11×11 Gaussian window of
/// σ 1.5, K1 0.01, K2 0.03, range 255, averaged over the windows that lie inside the image, then
/// over the three channels. The same number as scikit-image's structural_similarity with
/// channel_axis, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255.
/// Throws Error when the sizes differ or a side is below 11 pixels.
double ssim(const Image& a, const Image& b);

}  // namespace kvscope
