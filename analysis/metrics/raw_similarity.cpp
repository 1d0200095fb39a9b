#include "analysis/metrics/raw_similarity.h"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "analysis/metrics/similarity.h"
#include "core/base/interrupt.h"

namespace kvscope {
namespace {

/// The work on one batch, shared by its threads: a task is one layer of one sample.
class RawBatch {
 public:
  RawBatch(const CaptureReader& reader, std::int64_t first, std::int64_t count)
      : reader_(reader),
        first_(first),
        count_(count),
        similarity_(reader.record().model.schedule(), reader.record().model.head_dim(),
                    reader.raw_scales()),
        statistics_(empty_similarity(count, reader.record().model.depth,
                                     reader.record().model.heads, similarity_.scales())),
        layers_(reader.raw_layers().size()) {}

  BatchStatistics run(int threads) {
    {
      // They join on the way out, also when the system refuses one more.
      std::vector<std::jthread> others;
      for (int t = 1; t < threads; ++t) others.emplace_back([this] { work(); });
      work();
    }
    if (failure_) std::rethrow_exception(failure_);
    return std::move(statistics_);
  }

 private:
  /// Results of one layer until its last sample is there.
  struct Layer {
    std::int64_t samples_done = 0;
    std::array<std::vector<HeadSimilarity>, 2> results;  // [tensor][sample, head]
  };
  struct Task {
    std::size_t layer = 0;
    std::int64_t sample = 0;
  };
  using Buffers = std::array<std::vector<float>, 2>;

  void work() {
    try {
      Buffers buffers;
      Task task;
      while (read_next(task, buffers)) compute(task, buffers);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
  }

  // HDF5 takes one thread at a time.
  bool read_next(Task& task, Buffers& buffers) {
    const std::lock_guard lock(mutex_);
    if (failure_ || next_ == static_cast<std::int64_t>(layers_.size()) * count_) return false;
    throw_if_interrupted();
    task = {static_cast<std::size_t>(next_ / count_), next_ % count_};
    ++next_;
    for (const KvTensor tensor : all_kv_tensors)
      reader_.read_conditional(tensor, reader_.raw_layers()[task.layer], first_ + task.sample, 1,
                               buffers[static_cast<std::size_t>(tensor)]);
    return true;
  }

  void compute(const Task& task, const Buffers& buffers) {
    const std::size_t heads = reader_.raw_heads().size();
    const auto row_floats = static_cast<std::size_t>(similarity_.tokens() * similarity_.channels());
    std::array<std::vector<HeadSimilarity>, 2> of_sample;
    for (std::size_t tensor = 0; tensor < 2; ++tensor) {
      for (std::size_t head = 0; head < heads; ++head)
        of_sample[tensor].push_back(similarity_.of_head(&buffers[tensor][head * row_floats]));
    }
    const std::lock_guard lock(results_mutex_);
    Layer& layer = layers_[task.layer];
    for (std::size_t tensor = 0; tensor < 2; ++tensor) {
      layer.results[tensor].resize(heads * static_cast<std::size_t>(count_));
      std::move(of_sample[tensor].begin(), of_sample[tensor].end(),
                layer.results[tensor].begin() + task.sample * static_cast<std::int64_t>(heads));
    }
    if (++layer.samples_done == count_) finish(task.layer);
  }

  void finish(std::size_t layer) {
    for (const KvTensor tensor : all_kv_tensors)
      store_layer(tensor, reader_.raw_layers()[layer], reader_.raw_heads(),
                  layers_[layer].results[static_cast<std::size_t>(tensor)], statistics_);
    layers_[layer].results = {};
  }

  const CaptureReader& reader_;
  std::int64_t first_;
  std::int64_t count_;
  InterScaleSimilarity similarity_;
  std::mutex mutex_;  // reader_, next_, failure_
  std::int64_t next_ = 0;
  std::exception_ptr failure_;
  std::mutex results_mutex_;  // statistics_, layers_
  BatchStatistics statistics_;
  std::vector<Layer> layers_;
};

}  // namespace

BatchStatistics similarity_of_raw(const CaptureReader& reader, std::int64_t first,
                                  std::int64_t count, int threads) {
  return RawBatch(reader, first, count).run(threads);
}

}  // namespace kvscope
