#include "core/capture/commit_counts.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/capture/parts/basics.h"

namespace kvscope {

void CommitCounts::restore(const CaptureReader& found) {
  const std::size_t counters = found.all_losses().size();
  if (counters != loss_counter_count) {
    throw BadInput(
        "capture", found.path(), fmt::format("a file with {} loss counters", loss_counter_count),
        fmt::format("one with {}, of another version of kvscope (--force starts anew)", counters));
  }
  committed_samples_ = found.committed_samples();
  committed_batches_ = std::ssize(found.batch_samples());
}

// The counters are written before the count of samples: those of the batch that was under way may
// be among them, and it will count the same again.
void CommitCounts::restore_losses(WrittenFile& file) {
  const std::string name = schema::path_of(schema::losses);
  std::vector<std::int64_t> stored(losses_.values.size());
  h5::read_slab(file.calls(), file.dataset(name), H5T_NATIVE_INT64, 0, std::ssize(stored), -1,
                stored.data(), "read the counters");
  std::copy(stored.begin(), stored.end(), losses_.values.begin());
  const std::int64_t uncommitted =
      std::exchange(losses_[LossCounter::uncommitted_samples], std::int64_t{0});
  next_batch_counted_ = uncommitted != samples_ - committed_samples_;
}

void CommitCounts::publish(WrittenFile& file, const BatchPlace& place, const LossCounts& losses) {
  file.put(schema::path_of(schema::batch_samples), place.batch, 1, std::vector{place.count});
  if (!std::exchange(next_batch_counted_, false)) losses_ += losses;
  const std::int64_t committed = place.first + place.count;
  write_losses(file, committed);
  file.flush();
  file.put_scalar(schema::path_of(schema::committed_samples), committed);
  file.flush();
  committed_samples_ = committed;
  committed_batches_ = place.batch + 1;
}

void CommitCounts::write_losses(WrittenFile& file, std::int64_t committed) const {
  LossCounts counts = losses_;
  counts[LossCounter::uncommitted_samples] = samples_ - committed;
  file.put(schema::path_of(schema::losses), 0, std::ssize(counts.values),
           std::vector<std::int64_t>(counts.values.begin(), counts.values.end()));
}

}  // namespace kvscope
