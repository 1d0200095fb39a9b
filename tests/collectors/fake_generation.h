#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include "core/base/site_track.h"
#include "core/generate/generator.h"
#include "core/geometry/guidance_rows.h"
#include "core/geometry/model_config.h"
#include "tests/support/example_capture.h"

namespace kvscope::testing {

/// Hands over the same times for every pass.
class FakeTimer final : public SiteListener {
 public:
  explicit FakeTimer(TimingSink& sink) : sink_(&sink) {}

  void begin(const Site& /*site*/) override {}
  void end(const Site& /*site*/) noexcept override {}
  void end_batch(std::int64_t batch, int repeat) override {
    sink_->record({{batch, repeat, 1, 0, Module::ffn}, 5});
    sink_->record({{batch, repeat, 1, 0, Module::ffn}, 6});
    sink_->record({{batch, repeat, 2, no_layer, Module::decoder}, 9});
    sink_->record_batch(batch, repeat, 1000 + repeat);
  }

 private:
  TimingSink* sink_;
};

/// Calls observers and listeners as a generator of tiny_model() would, full cache, with K and V
/// that depend on the batch's index only.
class FakeGenerator final : public Generator {
 public:
  void set_observers(std::vector<Observer*> observers) override {
    all_observers_ = std::move(observers);
  }
  void set_listeners(std::vector<SiteListener*> listeners) override {
    sites_.set_listeners(std::move(listeners));
  }
  std::unique_ptr<SiteListener> make_timer(TimingSink& sink) const override {
    return std::make_unique<FakeTimer>(sink);
  }

  void force(const ForcedBatch& /*batch*/, const OnLogits& /*on_logits*/) override {}
  void set_budget(const Budget& budget) override { policies.push_back(budget.policy); }
  void keep_caches(std::size_t count) override { caches_kept = count; }
  KvShape kv_shape(std::int64_t batch) const override {
    return {tiny_model().heads, tiny_model().head_dim(), GuidanceRows::of_samples(batch).count(), 4,
            4};
  }

  /// Layer l holds 100 + l bytes, all of them share 7.
  static CacheBytes held_bytes() {
    CacheBytes held;
    for (int layer = 0; layer < tiny_model().depth; ++layer) held.layers.push_back({100 + layer});
    held.shared = 7;
    return held;
  }

  BatchOutput generate(const BatchRequest& request) override {
    ++passes;
    observed_passes += request.observed ? 1 : 0;
    at::manual_seed(static_cast<std::uint64_t>(request.index));
    observers_ = request.observed ? all_observers_ : std::vector<Observer*>{};
    const BatchInfo info{request.index, request.first_sample, request.labels, at::kCPU,
                         kv_shape(static_cast<std::int64_t>(request.labels.size()))};
    const ModelConfig model = tiny_model();
    const ScaleSchedule schedule = model.schedule();
    for (auto* observer : observers_) observer->on_batch_begin(info);
    const CacheBytes held = held_bytes();
    std::vector<Attended> recorded;
    sites_.begin_batch(request.index, request.repeat);
    for (int scale = 0; scale < schedule.scales(); ++scale) {
      sites_.set_scale(scale);
      for (int layer = 0; layer < model.depth; ++layer) {
        recorded.push_back(attend(info, schedule, layer, scale));
        show(recorded.back());
      }
      for (auto* observer : observers_) observer->on_scale_end(scale, held);
    }
    for (int replay = 0; replay < replays; ++replay) {
      for (const Attended& attended : recorded) show(attended);
    }
    BatchOutput output = {at::full({info.batch(), schedule.total_tokens()},
                                   request.index + request.repeat * drift, at::kLong),
                          {},
                          at::rand({info.batch(), 3, model.image_size, model.image_size}),
                          at::zeros({info.batch()}, at::kLong)};
    if (request.index == spoiled_batch) {
      output.image[spoiled_image].fill_(std::nanf(""));
      output.nonfinite[spoiled_image] = output.image[spoiled_image].numel();
    }
    sites_.end_batch();
    for (auto* observer : observers_) observer->on_batch_end(info, output);
    return output;
  }

  std::vector<std::string> policies;  ///< of the budgets it was given, in turn
  std::size_t caches_kept = 1;
  int passes = 0;
  int observed_passes = 0;
  int replays = 0;  ///< how often a pass does again what it did for its observers, as a graph would
  int drift = 0;    ///< added to the tokens of every repeat
  float spoil = 0;  ///< replaces one value of K of (layer 1, scale 1) in the first row when not 0
  std::int64_t spoiled_batch = -1;  ///< where an image is NaN …
  std::int64_t spoiled_image = 1;   ///< … the one at this place
  at::Tensor last_key;              ///< of (layer 1, the last scale)

 private:
  // The tensors of an attention event.
  struct Attended {
    int layer;
    int scale;
    at::Tensor key;
    at::Tensor value;
    KvView read;
    std::vector<at::Tensor> mass;
  };

  Attended attend(const BatchInfo& info, const ScaleSchedule& schedule, int layer, int scale) {
    const ModuleScope scope(&sites_, Module::attention_core, layer);
    const ModelConfig model = tiny_model();
    const std::int64_t tokens = schedule.tokens(scale);
    const auto random = [&] {
      return at::randn(
          {GuidanceRows::of_samples(info.batch()).count(), model.heads, tokens, model.head_dim()});
    };
    at::Tensor key = random();
    const at::Tensor value = random();
    if (spoil != 0 && layer == 1 && scale == 1) key.data_ptr<float>()[0] = spoil;
    if (layer == 1) last_key = key;
    const std::vector<at::Tensor> mass = {
        at::softmax(at::randn({info.batch(), model.heads, tokens, schedule.end(scale)}), -1)
            .sum(2)};
    const auto all = [&](const at::Tensor& own) {
      const at::Tensor before =
          at::zeros({own.size(0), own.size(1), schedule.begin(scale), own.size(3)});
      return at::cat({before, own}, 2);
    };
    const KvView read = {
        {.heads = HeadSet::all(model.heads), .key = all(key), .value = all(value)}};
    return {layer, scale, key, value, read, mass};
  }

  void show(const Attended& attended) {
    for (auto* observer : observers_)
      observer->on_attention({attended.layer, attended.scale, attended.value, attended.key,
                              attended.value, attended.read, attended.mass});
  }

  std::vector<Observer*> all_observers_;
  std::vector<Observer*> observers_;  // of the pass at work
  SiteTrack sites_;
};

}  // namespace kvscope::testing
