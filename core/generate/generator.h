#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/site.h"
#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"
#include "core/generate/observer.h"
#include "core/generate/timing_sink.h"
#include "core/model/sampling.h"

namespace kvscope {

/// One batch to generate.
struct BatchRequest {
  std::int64_t index = 0;
  int repeat = 0;
  std::int64_t first_sample = 0;
  /// One label per sample; `classes` itself is the unconditional class. Empty draws `batch` labels
  /// uniformly with the batch's generator, before anything else.
  std::vector<std::int64_t> labels;
  std::int64_t batch = 0;  ///< only read when labels is empty
  /// Whether observers hear of the pass. Without, nothing is computed for them: timed repeats.
  bool observed = true;
};

/// A batch whose tokens are given (teacher forcing).
struct ForcedBatch {
  std::vector<std::int64_t> labels;  ///< one per sample
  at::Tensor token_ids;              ///< [B, total tokens] int64
};

/// Guided logits of one scale before truncation: [B, tokens(scale), vocab] float32.
using OnLogits = std::function<void(int scale, const at::Tensor& logits)>;

/// Draws images. Implementations share one contract: the same tokens from the same logits, and the
/// same calls to the same observers.
class Generator {
 public:
  virtual ~Generator() = default;

  /// Throws Interrupted between scales after SIGINT, Error(out_of_memory) when the device is full.
  virtual BatchOutput generate(const BatchRequest& request) = 0;

  /// Follows the tokens of `batch` instead of drawing any, and hands over the logits that each
  /// scale would have been drawn from. Observers and listeners hear nothing of it. Throws as
  /// generate does, and Error for tokens of another shape or outside the vocabulary, and under
  /// more_smooth, where tokens do not say what the next scale reads.
  virtual void force(const ForcedBatch& batch, const OnLogits& on_logits) = 0;

  /// The next batches run under `budget`. Throws BadInput for a budget made for another model,
  /// Error(out_of_memory) when the device is full.
  virtual void set_budget(const Budget& budget) = 0;
  /// Lets the buffers of the last `count` budgets stay, for budgets that run in turn. One unless
  /// told otherwise.
  virtual void keep_caches(std::size_t count) = 0;

  /// What K and V of a batch of `batch` samples are counted in.
  virtual KvShape kv_shape(std::int64_t batch) const = 0;

  /// Observers and listeners are not owned and must outlive the generator, or be taken away.
  virtual void set_observers(std::vector<Observer*> observers) = 0;

  /// Who follows each pass from site to site, the innermost one last. Without any, a site costs one
  /// branch.
  virtual void set_listeners(std::vector<SiteListener*> listeners) = 0;

  /// A listener for this generator that hands the times of its modules to `sink`, which must
  /// outlive it.
  virtual std::unique_ptr<SiteListener> make_timer(TimingSink& sink) const = 0;
};

}  // namespace kvscope
