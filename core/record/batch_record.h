#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/losses.h"
#include "core/base/nd_array.h"
#include "core/record/clocks.h"
#include "core/record/statistics.h"

namespace kvscope {

/// Raw K, V and Q of one layer of a batch in the stored type: [kept sample, row, head, token,
/// channel], row-major bytes; row 0 conditional, 1 unconditional.
struct RawKv {
  int layer = 0;
  std::vector<std::byte> key;
  std::vector<std::byte> value;
  std::vector<std::byte> query;  ///< empty in a file without queries
};

/// Bytes of the cache while one batch ran, [layer, scale].
struct LedgerRecord {
  NdArray<std::int64_t> logical_bytes;    ///< held after that scale
  NdArray<std::int64_t> resident_bytes;   ///< the layer's own K/V buffers
  NdArray<std::int64_t> transient_bytes;  ///< resident − logical
  /// Buffers that all layers share (the gathered K/V of the layer at work), [scale].
  NdArray<std::int64_t> shared_bytes;
  std::int64_t rows = 0;
  std::int64_t key_element_bytes = 0;
  std::int64_t value_element_bytes = 0;
};

/// Times of one batch in ns; 0 where nothing ran.
struct TimingRecord {
  NdArray<std::int64_t> layer_ns;  ///< [repeat, layer, scale, module]
  NdArray<std::int64_t> model_ns;  ///< [repeat, scale, module]: modules that belong to no layer
  NdArray<std::int64_t> batch_ns;  ///< [repeat]: wall time of the whole batch
};

/// Process-wide peaks after a batch: not the cache alone, weights and activations are in them.
struct MemoryRecord {
  std::int64_t process_peak_rss_bytes = 0;
  std::int64_t allocator_peak_bytes = 0;  ///< CUDA caching allocator; 0 on the CPU
};

/// Everything one batch adds to a file. Committed as a whole or not at all.
struct BatchRecord {
  NdArray<std::int32_t> token_ids;   ///< [sample, token]
  std::vector<std::int32_t> labels;  ///< [sample]
  std::vector<std::uint64_t> seeds;  ///< [sample]: seed of the generator that drew it
  NdArray<std::uint8_t> preview;     ///< [sample, y, x, 3]
  /// [sample], or empty in a file without scores; not_judged for an image that was left out.
  std::vector<std::int32_t> predicted_classes;
  /// [sample], or empty in a file that does not know: values behind the image that were NaN or
  /// infinite. The loss counter nonfinite_images counts those above 0.
  std::vector<std::int64_t> nonfinite_image_values;
  /// One for each clock of the file, or empty in a file without clocks.
  std::vector<BatchClock> clocks;
  std::vector<RawKv> raw;  ///< one per kept layer, or empty
  std::optional<BatchStatistics> statistics;
  std::optional<TimingRecord> timing;
  LedgerRecord ledger;  ///< of this batch; the file keeps the largest batch's
  MemoryRecord memory;
  LossCounts losses;  ///< what this batch lost
};

}  // namespace kvscope
