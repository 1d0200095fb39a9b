#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/base/site_track.h"
#include "core/budget/budget.h"
#include "core/cache/kv_cache.h"
#include "core/generate/generator.h"
#include "core/model/sampling.h"
#include "core/model/var.h"
#include "core/model/vqvae.h"
#include "core/weights/state_dict.h"

namespace kvscope {

/// Where and how the eager generator runs.
struct EagerOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;  ///< compute dtype; K and V are kept in it
  SamplingOptions sampling;
};

/// Draws images with LibTorch's own operators, on any device that LibTorch has.
class EagerGenerator final : public Generator {
 public:
  /// Converts the weights once; `model` may go away afterwards. Throws BadInput for a budget made
  /// for another model, Error(out_of_memory) when the device is full.
  EagerGenerator(const LoadedModel& model, const EagerOptions& options, const Budget& budget);

  BatchOutput generate(const BatchRequest& request) override;
  void force(const ForcedBatch& batch, const OnLogits& on_logits) override;
  void set_budget(const Budget& budget) override;
  void keep_caches(std::size_t count) override { caches_kept_ = count; }
  KvShape kv_shape(std::int64_t batch) const override;

  void set_observers(std::vector<Observer*> observers) override;
  void set_listeners(std::vector<SiteListener*> listeners) override;
  std::unique_ptr<SiteListener> make_timer(TimingSink& sink) const override;

 private:
  // What one scale of a batch hands to the next.
  struct Pass {
    Conditioning conditioning;
    at::Tensor input;  // of the next scale
    at::Tensor f_hat;
  };

  KvCache& cache() const { return *caches_.back().cache; }
  Pass begin_pass(const at::Tensor& labels, SiteTrack* sites);
  at::Tensor logits_of(Pass& pass, int scale, const ScaleHooks& hooks);
  void take_codes(Pass& pass, int scale, const at::Tensor& codes) const;

  // Those who hear of a pass.
  std::span<Observer* const> observers_of(const BatchRequest& request) const;
  BatchInfo info_of(const BatchRequest& request, const at::Tensor& labels) const;
  BatchOutput generate_batch(const BatchRequest& request);
  void check_forced(const ForcedBatch& batch) const;
  void force_batch(const ForcedBatch& batch, const OnLogits& on_logits);
  at::Tensor labels_on_device(const std::vector<std::int64_t>& labels) const;
  at::Tensor labels_of(const BatchRequest& request, Sampler& sampler) const;
  at::Tensor codes_of(const at::Tensor& token_ids, const at::Tensor& logits, int scale,
                      Sampler& sampler) const;

  ModelConfig config_;
  EagerOptions options_;
  std::optional<Var> var_;
  std::optional<Vqvae> vqvae_;
  struct BudgetCache {
    Budget budget;
    std::unique_ptr<KvCache> cache;
  };
  std::vector<BudgetCache> caches_;  // the one in use last
  std::size_t caches_kept_ = 1;
  std::vector<Observer*> observers_;
  std::unique_ptr<AttentionWatcher> watcher_;  // null when no observer looks at the attention
  SiteTrack sites_;
};

}  // namespace kvscope
