#pragma once

#include <cstdint>
#include <vector>

namespace kvscope {

/// Bootstrap over samples: the same seed gives the same resamples on every machine.
struct BootstrapOptions {
  int resamples = 1000;
  double confidence = 0.95;
  std::uint64_t seed = 0;
  bool operator==(const BootstrapOptions&) const = default;
};

/// Throws UsageError unless there is a resample and the confidence lies in (0, 1).
void check_bootstrap(const BootstrapOptions& options);

/// The samples that resample number `resample` draws: `samples` of them, with replacement.
std::vector<std::int64_t> resampled_samples(const BootstrapOptions& options, int resample,
                                            std::int64_t samples);

/// Resample number `resample` within strata. Every sample is replaced by one of the same label, so
/// each label keeps its number of samples.
std::vector<std::int64_t> resampled_within(const BootstrapOptions& options, int resample,
                                           const std::vector<std::int32_t>& labels);

/// The quantile, linear between order statistics, as numpy.percentile takes it by default. `sorted`
/// holds at least one value.
double percentile(const std::vector<double>& sorted, double fraction);

struct Interval {
  double low = 0;
  double high = 0;
};

/// The interval that holds the middle `confidence` of the values, of which there is at least one.
Interval middle_of(std::vector<double> values, double confidence);

}  // namespace kvscope
