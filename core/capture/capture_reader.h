#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/capture/file_layout.h"
#include "core/record/batch_record.h"
#include "core/record/run_record.h"
#include "core/record/scores.h"
#include "core/record/timings.h"

namespace kvscope {

/// Reads a capture, run or analysis file, finished or partial. A partial file yields its committed
/// samples only.
///
/// One thread at a time uses a reader, not always the one that opened it. Different threads may use
/// different readers and writers at once, of one file too, provided that HDF5 was built
/// thread-safe, as the packages of Debian and Ubuntu are (H5is_library_threadsafe): a lock of its
/// own lets one call in at a time, so reading twice at once is safe but no faster. With an HDF5
/// that is not thread-safe all readers and writers of a process belong to one thread.
class CaptureReader {
 public:
  /// Throws BadInput: no file, not HDF5, not a kvscope file, a schema version this build does not
  /// know, a root attribute or a required dataset missing or of the wrong shape.
  explicit CaptureReader(std::string path);
  ~CaptureReader();
  CaptureReader(CaptureReader&&) noexcept;
  CaptureReader& operator=(CaptureReader&&) noexcept;

  const std::string& path() const;
  const RunRecord& record() const;
  const FileLayout& layout() const;
  bool complete() const;
  std::int64_t committed_samples() const;
  /// Samples of every committed batch, in order.
  const std::vector<std::int64_t>& batch_samples() const;
  /// The counters of this version.
  LossCounts losses() const;
  /// Every counter of the file in its order, those of a newer version behind.
  std::vector<Loss> all_losses() const;
  /// Committed samples, counted from the first one of the file, ascending, behind whose image a
  /// value was NaN or infinite: it goes into no figure. Empty where the file does not know.
  const std::vector<std::int64_t>& nonfinite_images() const;
  bool has_finite_image(std::int64_t sample) const;

  std::vector<std::int64_t> samples() const;  ///< index of every sample in the run
  /// nonfinite_images() by their index in the run.
  std::vector<std::int64_t> nonfinite_samples() const;
  NdArray<std::int32_t> token_ids() const;  ///< [sample, token]
  std::vector<std::int32_t> labels() const;
  std::vector<std::uint64_t> seeds() const;
  NdArray<std::uint8_t> previews() const;  ///< [sample, y, x, 3]
  LedgerRecord ledger() const;
  MemoryRecord memory() const;  ///< the largest over the batches
  std::optional<Timings> timings() const;

  /// What a run stored of its images' scores; nothing when it did not score. Of a partial file only
  /// the accuracy is known, without an interval, over the committed samples.
  std::optional<Scores> scores() const;

  /// Means over the committed samples; nothing when the file has no statistics.
  std::optional<Statistics> statistics() const;

  /// What a committed batch added, without raw K, V and Q. The ledger is the one of the file, and
  /// the loss counters stay 0: the file keeps both for all batches together.
  BatchRecord batch(std::int64_t index) const;
  /// The same with no other parts than `wanted` has.
  BatchRecord batch(std::int64_t index, const FileLayout& wanted) const;

  bool has_raw_kv() const;
  /// Whether Q lies beside K and V. kvscope itself reads it nowhere.
  bool has_queries() const;
  /// Layers, heads and scales that /kv holds, as the model counts them, ascending.
  const std::vector<int>& raw_layers() const;
  const std::vector<int>& raw_heads() const;
  const std::vector<int>& raw_scales() const;
  /// Committed samples that /kv holds, counted from the first one of the file, ascending.
  const std::vector<std::int64_t>& raw_samples() const;
  /// Raw K or V of one layer for samples [first, first + count) of raw_samples(), as float32:
  /// [sample, row, head, token, channel].
  NdArray<float> raw_kv(KvTensor tensor, int layer, std::int64_t first, std::int64_t count) const;
  /// The same into a caller's buffer, for conditional rows only: [sample, head, token, channel].
  void read_conditional(KvTensor tensor, int layer, std::int64_t first, std::int64_t count,
                        std::vector<float>& out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvscope
