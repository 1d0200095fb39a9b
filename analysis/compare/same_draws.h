#pragma once

#include <string>
#include <vector>

#include "analysis/compare/comparison.h"
#include "analysis/compare/loaded_capture.h"
#include "core/base/job_control.h"

namespace kvscope {

/// Why two files did not draw the same random numbers for the same labels, so that tokens and
/// images cannot be compared one by one. Empty when they did, for the samples that both have.
std::string why_draws_differ(const LoadedCapture& baseline, const LoadedCapture& file);

/// A sample of two files: its index in the run, and its position in each.
struct CommonSample {
  std::int64_t sample = 0;
  std::int64_t baseline = 0;
  std::int64_t file = 0;
};

/// The samples that both files have, in the order of the baseline. Under the official generator
/// those of batches that both have whole: a shorter batch draws other numbers.
std::vector<CommonSample> common_samples(const LoadedCapture& baseline, const LoadedCapture& file);

/// Equal tokens over the samples that both files have. The draws must be the same.
TokenAgreement token_agreement(const LoadedCapture& baseline, const LoadedCapture& file);

/// PSNR and SSIM of the PNGs beside the files. The draws must be the same. Missing and broken
/// pictures, and those that a file knows not to be finite, are counted, not fatal. `control` hears
/// of every sample, as thousands take minutes. Throws Interrupted.
ImageFidelity image_fidelity(const LoadedCapture& baseline, const LoadedCapture& file,
                             const JobControl& control = {});

}  // namespace kvscope
