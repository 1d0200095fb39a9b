#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace kvscope {

/// Everything that can be lost or spoiled on the way into a file. The order is the order in the
/// file; new counters go to the end.
enum class LossCounter {
  uncommitted_samples,  ///< asked for, but the run ended before they were written
  nonfinite_values,     ///< K, V or kept Q values that were NaN or infinite in the model
  overflowed_values,    ///< finite K, V or Q values that the stored type cannot hold
  unequal_repeats,      ///< repeats whose tokens differ from the first pass
  dropped_timings,      ///< module timings that were opened and never resolved
  nonfinite_images,     ///< images behind which a value was NaN or infinite
};

inline constexpr std::size_t loss_counter_count = 6;

/// Name in files and tables, e.g. "nonfinite_values".
std::string_view name_of(LossCounter counter);

/// What a nonzero count means for the reader, one sentence.
std::string_view advice_of(LossCounter counter);

/// Counts of a file. Plain data; not thread-safe.
struct LossCounts {
  std::array<std::int64_t, loss_counter_count> values{};

  std::int64_t& operator[](LossCounter counter) {
    return values[static_cast<std::size_t>(counter)];
  }
  std::int64_t operator[](LossCounter counter) const {
    return values[static_cast<std::size_t>(counter)];
  }
  bool any() const;
  LossCounts& operator+=(const LossCounts& other);
};

}  // namespace kvscope
