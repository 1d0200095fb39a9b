#include "core/generate/eager_generator.h"

#include <algorithm>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/interrupt.h"
#include "core/cache/make_cache.h"
#include "core/generate/module_timer.h"
#include "core/generate/out_of_memory.h"
#include "core/geometry/guidance_rows.h"

namespace kvscope {
namespace {

// Hands attention events to the observers that asked for them.
class ObserverFanOut : public AttentionWatcher {
 public:
  explicit ObserverFanOut(std::vector<Observer*> observers) : observers_(std::move(observers)) {
    wants_mass_ = std::any_of(observers_.begin(), observers_.end(), [](const Observer* observer) {
      return observer->needs().attention_mass;
    });
  }

  bool wants_mass() const override { return wants_mass_; }

  void on_attention(const AttentionEvent& event) override {
    for (Observer* observer : observers_) observer->on_attention(event);
  }

 private:
  std::vector<Observer*> observers_;
  bool wants_mass_;
};

void check_label(std::int64_t label, const ModelConfig& config) {
  if (config.labels().contains(label)) return;
  throw UsageError(fmt::format("labels: expected {} of {}, got {}", config.labels().range(),
                               config.name, label));
}

}  // namespace

EagerGenerator::EagerGenerator(const LoadedModel& model, const EagerOptions& options,
                               const Budget& budget)
    : config_(model.config), options_(options) {
  set_budget(budget);
  const at::NoGradGuard no_grad;
  with_out_of_memory_error(options.device, "the weights", [&] {
    var_.emplace(config_, model.weights, options.device, options.dtype);
    vqvae_.emplace(config_, model.weights, options.device, options.dtype);
  });
}

void EagerGenerator::set_budget(const Budget& budget) {
  check_budget_fits(budget, config_, "budget");
  const auto found = std::find_if(caches_.begin(), caches_.end(),
                                  [&](const BudgetCache& known) { return known.budget == budget; });
  if (found != caches_.end()) {
    std::rotate(found, found + 1, caches_.end());
    return;
  }
  // What goes is freed before the new one takes memory.
  while (!caches_.empty() && caches_.size() >= caches_kept_) caches_.erase(caches_.begin());
  caches_.push_back({budget, make_cache(budget, options_.dtype, options_.device)});
}

KvShape EagerGenerator::kv_shape(std::int64_t batch) const {
  const auto element_bytes = static_cast<std::int64_t>(c10::elementSize(options_.dtype));
  return {.heads = config_.heads,
          .head_dim = config_.head_dim(),
          .rows = GuidanceRows::of_samples(batch).count(),
          .key_element_bytes = element_bytes,
          .value_element_bytes = element_bytes};
}

void EagerGenerator::set_observers(std::vector<Observer*> observers) {
  observers_ = std::move(observers);
  std::vector<Observer*> watching;
  for (Observer* observer : observers_) {
    const ObserverNeeds needs = observer->needs();
    if (needs.attention || needs.attention_mass) watching.push_back(observer);
  }
  watcher_ = watching.empty() ? nullptr : std::make_unique<ObserverFanOut>(std::move(watching));
}

void EagerGenerator::set_listeners(std::vector<SiteListener*> listeners) {
  sites_.set_listeners(std::move(listeners));
}

std::unique_ptr<SiteListener> EagerGenerator::make_timer(TimingSink& sink) const {
  return std::make_unique<ModuleTimer>(sink, options_.device);
}

BatchOutput EagerGenerator::generate(const BatchRequest& request) {
  const at::NoGradGuard no_grad;
  const c10::DeviceGuard on_device(options_.device);
  BatchOutput output;
  try {
    with_out_of_memory_error(options_.device, "the batch",
                             [&] { output = generate_batch(request); });
  } catch (...) {
    sites_.abandon_batch();
    throw;
  }
  return output;
}

void EagerGenerator::force(const ForcedBatch& batch, const OnLogits& on_logits) {
  check_forced(batch);
  const at::NoGradGuard no_grad;
  const c10::DeviceGuard on_device(options_.device);
  with_out_of_memory_error(options_.device, "the batch", [&] { force_batch(batch, on_logits); });
}

EagerGenerator::Pass EagerGenerator::begin_pass(const at::Tensor& labels, SiteTrack* sites) {
  const std::int64_t batch = labels.size(0);
  cache().begin(GuidanceRows::of_samples(batch).count());
  Pass pass;
  {
    const ModuleScope scope(sites, Module::adaln);
    const at::Tensor unconditional = at::full_like(labels, config_.labels().unconditional());
    pass.conditioning = var_->condition(at::cat({labels, unconditional}));
  }
  pass.input = var_->first_input(pass.conditioning);
  pass.f_hat = vqvae_->quantizer().empty_f_hat(batch);
  return pass;
}

at::Tensor EagerGenerator::logits_of(Pass& pass, int scale, const ScaleHooks& hooks) {
  const at::Tensor hidden =
      var_->run_blocks(std::exchange(pass.input, {}), scale, pass.conditioning, cache(), hooks);
  const ModuleScope scope(hooks.sites, Module::head);
  return var_->guided_logits(
      hidden, pass.conditioning,
      guidance_strength(options_.sampling.cfg, scale, config_.schedule().scales()));
}

void EagerGenerator::take_codes(Pass& pass, int scale, const at::Tensor& codes) const {
  const Quantizer& quantizer = vqvae_->quantizer();
  quantizer.accumulate(pass.f_hat, scale, codes);
  if (scale == config_.schedule().last_scale()) return;
  pass.input = var_->next_input(quantizer.next_input(pass.f_hat, scale + 1), scale + 1);
}

std::span<Observer* const> EagerGenerator::observers_of(const BatchRequest& request) const {
  if (!request.observed) return {};
  return observers_;
}

BatchInfo EagerGenerator::info_of(const BatchRequest& request, const at::Tensor& labels) const {
  const at::Tensor on_host = labels.cpu();
  const auto* label = on_host.const_data_ptr<std::int64_t>();
  return {.index = request.index,
          .first_sample = request.first_sample,
          .labels = {label, label + on_host.numel()},
          .device = options_.device,
          .kv = kv_shape(on_host.numel())};
}

BatchOutput EagerGenerator::generate_batch(const BatchRequest& request) {
  const std::span<Observer* const> observers = observers_of(request);
  AttentionWatcher* watcher = request.observed ? watcher_.get() : nullptr;
  SiteTrack* sites = sites_.is_followed() ? &sites_ : nullptr;
  Sampler sampler(options_.sampling, options_.device, request.index, request.first_sample);
  const at::Tensor labels = labels_of(request, sampler);
  const BatchInfo info = observers.empty() ? BatchInfo{} : info_of(request, labels);
  for (Observer* observer : observers) observer->on_batch_begin(info);
  sites_.begin_batch(request.index, request.repeat);

  Pass pass = begin_pass(labels, sites);
  std::vector<at::Tensor> token_ids;
  for (int scale = 0; scale < config_.schedule().scales(); ++scale) {
    throw_if_interrupted();
    sites_.set_scale(scale);
    at::Tensor logits = logits_of(pass, scale, {sites, watcher});
    if (!observers.empty()) {
      const CacheBytes held = bytes_of(cache(), config_.depth);
      for (Observer* observer : observers) observer->on_scale_end(scale, held);
    }
    at::Tensor codes;
    {
      const ModuleScope scope(sites, Module::sampling);
      token_ids.push_back(sampler.draw(logits, scale));
      codes = codes_of(token_ids.back(), logits, scale, sampler);
    }
    const ModuleScope scope(sites, Module::quantizer);
    take_codes(pass, scale, codes);
  }
  DecodedImages decoded;
  {
    const ModuleScope scope(sites, Module::decoder);
    decoded = vqvae_->decode(pass.f_hat);
  }
  sites_.end_batch();
  sampler.check_drawn();
  const BatchOutput output{at::cat(token_ids, 1).cpu(), pass.f_hat.cpu(), decoded.image.cpu(),
                           decoded.nonfinite.cpu()};
  for (Observer* observer : observers) observer->on_batch_end(info, output);
  return output;
}

void EagerGenerator::check_forced(const ForcedBatch& batch) const {
  if (options_.sampling.more_smooth) {
    throw Error("[force] sampling: expected none of more_smooth, got it");
  }
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(batch.labels.size()),
                                           config_.schedule().total_tokens()};
  if (shape[0] < 1 || batch.token_ids.sizes() != at::IntArrayRef(shape)) {
    throw Error(fmt::format("[force] token_ids: expected shape [{}, {}] and a sample, got [{}]",
                            shape[0], shape[1], fmt::join(batch.token_ids.sizes(), ", ")));
  }
  const auto [lowest, highest] = at::aminmax(batch.token_ids);
  if (lowest.item<std::int64_t>() >= 0 && highest.item<std::int64_t>() < config_.vocab) return;
  throw Error(fmt::format("[force] token_ids: expected 0 to {}, got {} to {}", config_.vocab - 1,
                          lowest.item<std::int64_t>(), highest.item<std::int64_t>()));
}

void EagerGenerator::force_batch(const ForcedBatch& batch, const OnLogits& on_logits) {
  const ScaleSchedule schedule = config_.schedule();
  const at::Tensor token_ids = batch.token_ids.to(options_.device);
  Pass pass = begin_pass(labels_on_device(batch.labels), nullptr);
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    throw_if_interrupted();
    on_logits(scale, logits_of(pass, scale, {}));
    const at::Tensor own = token_ids.narrow(1, schedule.begin(scale), schedule.tokens(scale));
    take_codes(pass, scale, vqvae_->quantizer().codes(own));
  }
}

at::Tensor EagerGenerator::labels_on_device(const std::vector<std::int64_t>& labels) const {
  for (const std::int64_t label : labels) check_label(label, config_);
  return at::tensor(labels, at::kLong).to(options_.device);
}

at::Tensor EagerGenerator::labels_of(const BatchRequest& request, Sampler& sampler) const {
  if (!request.labels.empty()) return labels_on_device(request.labels);
  if (request.batch < 1) throw UsageError("expected a batch of at least one sample, got none");
  return sampler.draw_labels(request.batch, config_.classes);
}

at::Tensor EagerGenerator::codes_of(const at::Tensor& token_ids, const at::Tensor& logits,
                                    int scale, Sampler& sampler) const {
  const Quantizer& quantizer = vqvae_->quantizer();
  if (!options_.sampling.more_smooth) return quantizer.codes(token_ids);
  const int scales = static_cast<int>(config_.patch_nums.size());
  return at::matmul(sampler.smooth_weights(logits, scale, scales), quantizer.codebook());
}

}  // namespace kvscope
