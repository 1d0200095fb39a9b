#pragma once

#include <cmath>
#include <memory>
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
#include "tests/support/tiny_capture.h"

namespace kvscope::testing {

/// A cache that only has sizes: layer l holds 100 + l bytes, all of them share 7.
class FakeCache final : public KvCache {
 public:
  void begin(std::int64_t /*rows*/) override {}
  KvView update(int /*layer*/, int /*scale*/, const at::Tensor& key, const at::Tensor& value,
                const at::Tensor& /*query*/) override {
    return {{.heads = HeadSet::all(static_cast<int>(key.size(1))), .key = key, .value = value}};
  }
  std::int64_t resident_bytes(int layer) const override { return 100 + layer; }
  std::int64_t shared_bytes() const override { return 7; }
};

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
    observers_ = std::move(observers);
  }
  void set_listeners(std::vector<SiteListener*> listeners) override {
    sites_.set_listeners(std::move(listeners));
  }
  std::unique_ptr<SiteListener> make_timer(TimingSink& sink) const override {
    return std::make_unique<FakeTimer>(sink);
  }

  void force(const ForcedBatch& /*batch*/, const OnLogits& /*on_logits*/) override {}
  void set_budget(const Budget& /*budget*/) override {}

  BatchOutput generate(const BatchRequest& request) override {
    ++passes;
    at::manual_seed(static_cast<std::uint64_t>(request.index));
    const BatchInfo info{request.index, request.repeat, request.first_sample, request.labels};
    const ModelConfig model = tiny_model();
    const ScaleSchedule schedule = model.schedule();
    for (auto* observer : observers_) observer->on_batch_begin(info);
    sites_.begin_batch(request.index, request.repeat);
    for (int scale = 0; scale < schedule.scales(); ++scale) {
      sites_.set_scale(scale);
      for (int layer = 0; layer < model.depth; ++layer) attend(info, schedule, layer, scale);
      for (auto* observer : observers_) observer->on_scale_end(scale, cache_);
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

  int passes = 0;
  int drift = 0;    ///< added to the tokens of every repeat
  float spoil = 0;  ///< replaces one value of K of (layer 1, scale 1) in the first row when not 0
  std::int64_t spoiled_batch = -1;  ///< where an image is NaN …
  std::int64_t spoiled_image = 1;   ///< … the one at this place
  at::Tensor last_key;              ///< of (layer 1, the last scale)

 private:
  void attend(const BatchInfo& info, const ScaleSchedule& schedule, int layer, int scale) {
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
    for (auto* observer : observers_)
      observer->on_attention({layer, scale, value, key, value, read, mass});
  }

  FakeCache cache_;
  std::vector<Observer*> observers_;
  SiteTrack sites_;
};

}  // namespace kvscope::testing
