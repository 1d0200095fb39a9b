#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvscope {

/// Everything that can be lost or spoiled on the way into a file. The order is the order in the
/// file; new counters go to the end.
enum class LossCounter {
  uncommitted_samples,     ///< asked for, but the run ended before they were written
  nonfinite_values,        ///< K, V or kept Q values that were NaN or infinite in the model
  overflowed_values,       ///< finite K, V or Q values that the stored type cannot hold
  unequal_repeats,         ///< repeats whose tokens differ from the first pass
  dropped_timings,         ///< module timings that were opened and never resolved
  nonfinite_images,        ///< images behind which a value was NaN or infinite
  unattributed_attention,  ///< (sample, layer, head, target) whose attention has no known sources
};

inline constexpr std::size_t loss_counter_count = 7;

/// How much a nonzero count matters, least first.
enum class LossSeverity {
  info,       ///< worth knowing; nobody is warned
  warning,    ///< the figures stand, but not for what one might think
  data_loss,  ///< figures are missing or wrong: a command ends with exit code 5
};

/// "info", "warning" or "data_loss", as files have it.
std::string_view name_of(LossSeverity severity);
/// data_loss for a word that this version does not know: better a warning too many.
LossSeverity parse_loss_severity(std::string_view name);

/// Name in files and tables, e.g. "nonfinite_values".
std::string_view name_of(LossCounter counter);

LossSeverity severity_of(LossCounter counter);

/// Collector or part of the program that counts, one word.
std::string_view source_of(LossCounter counter);

/// What a nonzero count means for the reader, one sentence.
std::string_view advice_of(LossCounter counter);

/// A counter of a file, which may be one that only a later version knows.
struct Loss {
  std::string name;
  std::int64_t count = 0;
  LossSeverity severity = LossSeverity::data_loss;
  std::string source;
  std::string advice;
};

/// Whether a counter of at least that severity is not 0.
bool any_loss(const std::vector<Loss>& losses, LossSeverity least);

/// Counts of a file. Plain data; not thread-safe.
struct LossCounts {
  std::array<std::int64_t, loss_counter_count> values{};

  std::int64_t& operator[](LossCounter counter) {
    return values[static_cast<std::size_t>(counter)];
  }
  std::int64_t operator[](LossCounter counter) const {
    return values[static_cast<std::size_t>(counter)];
  }
  LossCounts& operator+=(const LossCounts& other);
};

}  // namespace kvscope
