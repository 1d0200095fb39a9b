#include "core/base/bootstrap.h"

#include <algorithm>
#include <cstddef>
#include <map>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/random_mode.h"

namespace kvscope {

void check_bootstrap(const BootstrapOptions& options) {
  if (options.resamples >= 1 && options.confidence > 0 && options.confidence < 1) return;
  throw UsageError(fmt::format(
      "bootstrap: expected at least 1 resample and a confidence in (0, 1), got {} and {}",
      options.resamples, options.confidence));
}

// Own generator: the standard library's distributions differ between implementations. The bias of
// the remainder is below 2^-40 for any number of samples a file holds.
std::vector<std::int64_t> resampled_samples(const BootstrapOptions& options, int resample,
                                            std::int64_t samples) {
  const auto count = static_cast<std::uint64_t>(samples);
  std::uint64_t draw = static_cast<std::uint64_t>(resample) * count;
  std::vector<std::int64_t> drawn(static_cast<std::size_t>(samples));
  for (std::int64_t& sample : drawn) {
    sample = static_cast<std::int64_t>(splitmix64(options.seed, draw++) % count);
  }
  return drawn;
}

std::vector<std::int64_t> resampled_within(const BootstrapOptions& options, int resample,
                                           const std::vector<std::int32_t>& labels) {
  std::map<std::int32_t, std::vector<std::int64_t>> strata;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    strata[labels[i]].push_back(static_cast<std::int64_t>(i));
  }
  std::uint64_t draw = static_cast<std::uint64_t>(resample) * labels.size();
  std::vector<std::int64_t> drawn;
  drawn.reserve(labels.size());
  for (const std::int32_t label : labels) {
    const std::vector<std::int64_t>& stratum = strata[label];
    drawn.push_back(stratum[splitmix64(options.seed, draw++) % stratum.size()]);
  }
  return drawn;
}

double percentile(const std::vector<double>& sorted, double fraction) {
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = position - static_cast<double>(below);
  return sorted[below] + weight * (sorted[above] - sorted[below]);
}

Interval middle_of(std::vector<double> values, double confidence) {
  std::sort(values.begin(), values.end());
  const double tail = (1 - confidence) / 2;
  return {percentile(values, tail), percentile(values, 1 - tail)};
}

}  // namespace kvscope
