#pragma once

#include <cstdint>

namespace kvscope {

/// The rows of a batch under classifier-free guidance: the model runs each sample once with its
/// class and once without, all conditional rows before all unconditional ones (VAR, arXiv
/// 2404.02905, models/var.py, autoregressive_infer_cfg). A file keeps the rows of a sample
/// together, in the same order.
class GuidanceRows {
 public:
  static constexpr std::int64_t per_sample = 2;

  /// Neighbouring rows.
  struct Range {
    std::int64_t first;
    std::int64_t count;
  };

  static constexpr GuidanceRows of_samples(std::int64_t samples) { return GuidanceRows(samples); }

  /// Of a tensor or buffer that has `rows` rows in all.
  static constexpr GuidanceRows of_rows(std::int64_t rows) {
    return GuidanceRows(rows / per_sample);
  }

  constexpr std::int64_t samples() const { return samples_; }
  constexpr std::int64_t count() const { return per_sample * samples_; }
  constexpr Range conditional() const { return {0, samples_}; }
  constexpr Range unconditional() const { return {samples_, samples_}; }

 private:
  explicit constexpr GuidanceRows(std::int64_t samples) : samples_(samples) {}

  std::int64_t samples_;
};

}  // namespace kvscope
