#pragma once

#include <cstdint>

#include "core/base/losses.h"
#include "core/capture/batch_check.h"
#include "core/capture/capture_reader.h"
#include "core/capture/written_file.h"
#include "core/record/batch_record.h"

namespace kvscope {

/// What a file counts as whole: samples, batches and losses. The count of samples is written last
/// and after a flush, so that whoever sees it finds the data.
class CommitCounts {
 public:
  /// Of a file with room for `samples` in `batches`.
  CommitCounts(std::int64_t samples, std::int64_t batches) : samples_(samples), batches_(batches) {}

  std::int64_t samples() const { return committed_samples_; }
  std::int64_t batches() const { return committed_batches_; }
  /// Samples that the file is for.
  std::int64_t room() const { return samples_; }
  bool is_full() const { return committed_samples_ == samples_; }
  bool has_room_for(std::int64_t count) const {
    return count >= 1 && committed_samples_ + count <= samples_ && committed_batches_ < batches_;
  }
  BatchPlace place_of(std::int64_t count) const {
    return {.first = committed_samples_, .count = count, .batch = committed_batches_};
  }

  /// Writes the counters of a new file.
  void begin(WrittenFile& file) const { write_losses(file, 0); }

  /// Takes the state of a file whose writer was interrupted: first what a reader finds, then, once
  /// the file is open for writing, what was lost. Throws BadInput for a file of another version,
  /// which has no place for every counter.
  void restore(const CaptureReader& found);
  void restore_losses(WrittenFile& file);

  /// Counts the batch at `place`, all of whose data was written.
  void publish(WrittenFile& file, const BatchPlace& place, const LossCounts& losses);

 private:
  void write_losses(WrittenFile& file, std::int64_t committed) const;

  std::int64_t samples_;
  std::int64_t batches_;
  std::int64_t committed_samples_ = 0;
  std::int64_t committed_batches_ = 0;
  LossCounts losses_;
  bool next_batch_counted_ = false;  // in losses_, by a writer that was killed in it
};

}  // namespace kvscope
