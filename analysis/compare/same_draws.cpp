#include "analysis/compare/same_draws.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/image/fidelity.h"

namespace kvscope {
namespace {

constexpr int smallest_ssim_side = 11;

/// Samples in a batch and the first one's position in the file, by the first one's index in the
/// run. Without the official generator every sample stands alone.
using DrawnTogether = std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>>;

DrawnTogether drawn_together(const LoadedCapture& file) {
  const bool alone = file.record.settings.rng != RandomMode::official;
  DrawnTogether groups;
  std::int64_t position = 0;
  for (const std::int64_t batch : file.batch_samples) {
    const std::int64_t end = position + batch;
    const std::int64_t step = alone ? 1 : batch;
    for (; position < end; position += step) {
      groups.try_emplace(file.samples.at(static_cast<std::size_t>(position)), step, position);
    }
  }
  return groups;
}

template <typename T>
bool equal_for(const std::vector<CommonSample>& common, const std::vector<T>& a,
               const std::vector<T>& b) {
  return std::all_of(common.begin(), common.end(), [&](const CommonSample& sample) {
    return a.at(static_cast<std::size_t>(sample.baseline)) ==
           b.at(static_cast<std::size_t>(sample.file));
  });
}

std::string range_of(const LoadedCapture& file) {
  const auto [first, last] = std::minmax_element(file.samples.begin(), file.samples.end());
  return fmt::format("{} … {}", *first, *last);
}

std::string why_none_is_common(const LoadedCapture& baseline, const LoadedCapture& file) {
  const std::vector<std::int64_t>& a = baseline.samples;
  const std::vector<std::int64_t>& b = file.samples;
  const bool overlap = std::find_first_of(a.begin(), a.end(), b.begin(), b.end()) != a.end();
  if (overlap) return "no batch of one size in both files";
  return fmt::format("no sample in both files: {} and {}", range_of(baseline), range_of(file));
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

ImageScore score(const CommonSample& sample, const Image& a, const Image& b) {
  ImageScore result;
  result.sample = sample.sample;
  result.baseline_position = sample.baseline;
  result.file_position = sample.file;
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

std::string why_draws_differ(const LoadedCapture& baseline, const LoadedCapture& file) {
  const RunSettings& a = baseline.record.settings;
  const RunSettings& b = file.record.settings;
  const auto differ = [](std::string_view what, const auto& left, const auto& right) {
    return fmt::format("different {}: {} and {}", what, left, right);
  };
  if (a.rng != b.rng) return differ("random generators", name_of(a.rng), name_of(b.rng));
  if (a.seed != b.seed) return differ("seeds", a.seed, b.seed);
  if (a.cfg != b.cfg) return differ("cfg", a.cfg, b.cfg);
  if (a.top_k != b.top_k) return differ("top-k", a.top_k, b.top_k);
  if (a.top_p != b.top_p) return differ("top-p", a.top_p, b.top_p);
  if (a.more_smooth != b.more_smooth) return "different more_smooth";
  if (std::string why = why_streams_differ(a, b); !why.empty()) return why;
  const std::vector<CommonSample> common = common_samples(baseline, file);
  if (common.empty()) return why_none_is_common(baseline, file);
  if (!equal_for(common, baseline.labels, file.labels)) return "different labels";
  if (!equal_for(common, baseline.seeds, file.seeds)) return "different seeds of samples";
  return "";
}

std::vector<CommonSample> common_samples(const LoadedCapture& baseline, const LoadedCapture& file) {
  const DrawnTogether others = drawn_together(file);
  std::vector<CommonSample> common;
  for (const auto& [first, group] : drawn_together(baseline)) {
    const auto& [size, position] = group;
    const auto other = others.find(first);
    if (other == others.end() || other->second.first != size) continue;
    for (std::int64_t k = 0; k < size; ++k) {
      common.push_back({first + k, position + k, other->second.second + k});
    }
  }
  std::sort(common.begin(), common.end(),
            [](const CommonSample& a, const CommonSample& b) { return a.baseline < b.baseline; });
  return common;
}

TokenAgreement token_agreement(const LoadedCapture& baseline, const LoadedCapture& file) {
  const ScaleSchedule schedule = baseline.record.model.schedule();
  const NdArray<std::int32_t>& a = baseline.token_ids;
  const NdArray<std::int32_t>& b = file.token_ids;
  const std::vector<CommonSample> common = common_samples(baseline, file);
  TokenAgreement agreement;
  agreement.samples = static_cast<std::int64_t>(common.size());
  std::int64_t all_equal = 0;
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    std::int64_t equal = 0;
    for (const CommonSample& sample : common) {
      for (std::int64_t token = schedule.begin(scale); token < schedule.end(scale); ++token) {
        equal += a(sample.baseline, token) == b(sample.file, token);
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

ImageFidelity image_fidelity(const LoadedCapture& baseline, const LoadedCapture& file,
                             const JobControl& control) {
  ImageFidelity fidelity;
  for (const CommonSample& sample : common_samples(baseline, file)) {
    if (!baseline.has_finite_image(sample.baseline) || !file.has_finite_image(sample.file)) {
      ++fidelity.nonfinite;
      control.advance(1);
      continue;
    }
    try {
      fidelity.images.push_back(
          score(sample, baseline.images.read(sample.baseline), file.images.read(sample.file)));
    } catch (const Error& error) {
      if (fidelity.unreadable++ == 0) fidelity.unreadable_why = error.what();
    }
    control.advance(1);
  }
  summarise(fidelity);
  return fidelity;
}

}  // namespace kvscope
