#pragma once

#include <functional>
#include <string>
#include <vector>

#include "analysis/compare/comparison.h"
#include "core/capture/capture_reader.h"

namespace kvscope {

/// Why two files did not draw the same random numbers for the same labels, so that tokens and
/// images cannot be compared one by one. Empty when they did, for the samples that both have.
std::string why_draws_differ(const CaptureReader& baseline, const CaptureReader& file);

/// A sample of two files: its index in the run, and its position in each.
struct CommonSample {
  std::int64_t sample = 0;
  std::int64_t baseline = 0;
  std::int64_t file = 0;
};

/// The samples that both files have, in the order of the baseline. Under the official generator
/// those of batches that both have whole: a shorter batch draws other numbers.
std::vector<CommonSample> common_samples(const CaptureReader& baseline, const CaptureReader& file);

/// Equal tokens over the samples that both files have. The draws must be the same.
TokenAgreement token_agreement(const CaptureReader& baseline, const CaptureReader& file);

/// PSNR and SSIM of the PNGs beside the files. The draws must be the same. Missing and broken
/// pictures, and those that a file knows not to be finite, are counted, not fatal. `on_image` hears
/// of every sample, as thousands take minutes.
ImageFidelity image_fidelity(const CaptureReader& baseline, const CaptureReader& file,
                             const std::function<void()>& on_image = {});

}  // namespace kvscope
