#include "analysis/compare/same_draws.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/image/fidelity.h"
#include "core/image/png.h"

namespace kvscope {
namespace {

constexpr int smallest_ssim_side = 11;

/// The leading samples of both. Under the official generator those of leading batches of one size:
/// a shorter batch draws other numbers.
std::int64_t common_samples(const CaptureReader& a, const CaptureReader& b) {
  if (a.record().settings.rng != RandomMode::official) {
    return std::min(a.committed_samples(), b.committed_samples());
  }
  const std::vector<std::int64_t>& left = a.batch_samples();
  const std::vector<std::int64_t>& right = b.batch_samples();
  const std::size_t batches = std::min(left.size(), right.size());
  const auto end = left.begin() + static_cast<std::ptrdiff_t>(batches);
  const auto differing = std::mismatch(left.begin(), end, right.begin()).first;
  return std::accumulate(left.begin(), differing, std::int64_t{0});
}

template <typename T>
bool equal_start(const std::vector<T>& a, const std::vector<T>& b, std::int64_t count) {
  return static_cast<std::int64_t>(std::min(a.size(), b.size())) >= count &&
         std::equal(a.begin(), a.begin() + count, b.begin());
}

/// The official generator is one stream per batch and device: its draws change with both.
std::string why_streams_differ(const RunSettings& a, const RunSettings& b) {
  if (a.rng != RandomMode::official) return "";
  if (a.batch != b.batch) {
    return fmt::format("different batches under --rng official: {} and {}", a.batch, b.batch);
  }
  if (device_type(a) != device_type(b)) {
    return fmt::format("different devices under --rng official: {} and {}", a.device, b.device);
  }
  return "";
}

ImageScore score(std::int64_t sample, const Image& a, const Image& b) {
  ImageScore result;
  result.sample = sample;
  result.psnr_db = psnr(a, b);
  if (std::min(a.width, a.height) >= smallest_ssim_side) result.ssim = ssim(a, b);
  return result;
}

std::optional<double> mean(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void summarise(ImageFidelity& fidelity) {
  std::vector<double> psnrs;
  std::vector<double> ssims;
  for (const ImageScore& image : fidelity.images) {
    if (image.psnr_db) psnrs.push_back(*image.psnr_db);
    if (!image.psnr_db) ++fidelity.identical;
    if (image.ssim) ssims.push_back(*image.ssim);
  }
  fidelity.psnr_mean_db = mean(psnrs);
  if (!psnrs.empty()) fidelity.psnr_median_db = spread_of(psnrs).median;
  fidelity.ssim_mean = mean(ssims);
}

}  // namespace

std::string why_draws_differ(const CaptureReader& baseline, const CaptureReader& file) {
  const RunSettings& a = baseline.record().settings;
  const RunSettings& b = file.record().settings;
  const auto differ = [](std::string_view what, const auto& left, const auto& right) {
    return fmt::format("different {}: {} and {}", what, left, right);
  };
  if (a.rng != b.rng) return differ("random generators", name_of(a.rng), name_of(b.rng));
  if (a.seed != b.seed) return differ("seeds", a.seed, b.seed);
  if (a.cfg != b.cfg) return differ("cfg", a.cfg, b.cfg);
  if (a.top_k != b.top_k) return differ("top-k", a.top_k, b.top_k);
  if (a.top_p != b.top_p) return differ("top-p", a.top_p, b.top_p);
  if (a.more_smooth != b.more_smooth) return "different more_smooth";
  if (a.first_sample != b.first_sample) {
    return differ("first samples", a.first_sample, b.first_sample);
  }
  if (std::string why = why_streams_differ(a, b); !why.empty()) return why;
  const std::int64_t samples = common_samples(baseline, file);
  if (samples == 0) return "no batch of one size in both files";
  if (!equal_start(baseline.labels(), file.labels(), samples)) return "different labels";
  if (!equal_start(baseline.seeds(), file.seeds(), samples)) return "different seeds of samples";
  return "";
}

TokenAgreement token_agreement(const CaptureReader& baseline, const CaptureReader& file) {
  const ScaleSchedule schedule = baseline.record().model.schedule();
  const NdArray<std::int32_t> a = baseline.token_ids();
  const NdArray<std::int32_t> b = file.token_ids();
  TokenAgreement agreement;
  agreement.samples = common_samples(baseline, file);
  std::int64_t all_equal = 0;
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    std::int64_t equal = 0;
    for (std::int64_t sample = 0; sample < agreement.samples; ++sample) {
      for (std::int64_t token = schedule.begin(scale); token < schedule.end(scale); ++token) {
        equal += a(sample, token) == b(sample, token);
      }
    }
    all_equal += equal;
    agreement.by_scale.push_back(static_cast<double>(equal) /
                                 static_cast<double>(agreement.samples * schedule.tokens(scale)));
  }
  agreement.overall = static_cast<double>(all_equal) /
                      static_cast<double>(agreement.samples * schedule.total_tokens());
  return agreement;
}

ImageFidelity image_fidelity(const CaptureReader& baseline, const CaptureReader& file,
                             const std::function<void()>& on_image) {
  ImageFidelity fidelity;
  const std::int64_t samples = common_samples(baseline, file);
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    if (!baseline.has_finite_image(sample) || !file.has_finite_image(sample)) {
      ++fidelity.nonfinite;
      if (on_image) on_image();
      continue;
    }
    try {
      fidelity.images.push_back(
          score(sample, read_png(baseline.image_file(sample)), read_png(file.image_file(sample))));
    } catch (const Error& error) {
      if (fidelity.unreadable++ == 0) fidelity.unreadable_why = error.what();
    }
    if (on_image) on_image();
  }
  summarise(fidelity);
  return fidelity;
}

}  // namespace kvscope
