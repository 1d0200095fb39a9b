#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/special_ndtri.h>
#include <fmt/format.h>

#include "core/base/random_mode.h"
#include "core/weights/state_dict.h"

namespace kvscope {
namespace {

// fp16 halves the memory of a 2-billion-parameter model and holds these values with 11 bits.
constexpr c10::ScalarType stored_type = at::kHalf;

/// Draws from normal distributions by looking 16 random bits up in a table of 65,536 quantiles,
/// each in the middle of an equal share of probability; so values end at ±4.3 standard deviations.
/// Drawing billions of values with normal_ takes minutes.
class NormalSource {
 public:
  NormalSource() {
    constexpr std::int64_t shares = 1 << 16;
    quantiles_ = at::special_ndtri((at::arange(shares, at::kDouble) + 0.5) / shares);
  }

  /// Element i comes from the bits of splitmix64(seed, i / 4), whatever the number of threads.
  at::Tensor draw(at::IntArrayRef shape, double std, std::uint64_t seed) {
    at::Tensor tensor = at::empty(shape, stored_type);
    const auto* const values = table(std).const_data_ptr<c10::Half>();
    const std::span<c10::Half> out(tensor.mutable_data_ptr<c10::Half>(),
                                   static_cast<std::size_t>(tensor.numel()));
    constexpr std::int64_t draws_per_word = 4;
    const std::int64_t words = (tensor.numel() + draws_per_word - 1) / draws_per_word;
    constexpr std::int64_t words_per_task = 1 << 16;
    at::parallel_for(0, words, words_per_task, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t word = begin; word < end; ++word) {
        std::uint64_t bits = splitmix64(seed, static_cast<std::uint64_t>(word));
        const auto first = static_cast<std::size_t>(word * draws_per_word);
        const std::size_t last = std::min(first + draws_per_word, out.size());
        for (std::size_t i = first; i < last; ++i, bits >>= 16) out[i] = values[bits & 0xffff];
      }
    });
    return tensor;
  }

 private:
  // A model has a few dozen deviations for hundreds of parameters.
  const at::Tensor& table(double std) {
    at::Tensor& entry = tables_[std];
    if (!entry.defined()) entry = (quantiles_ * std).to(stored_type);
    return entry;
  }

  at::Tensor quantiles_;
  std::map<double, at::Tensor> tables_;
};

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings, [&](std::string_view end) { return name.ends_with(end); });
}

/// How one parameter starts: normal around zero with this deviation, or all `value` when it is 0.
struct Start {
  double std = 0;
  double value = 0;
};

/// The scales of the official VAR.init_weights (init_std < 0), except that head and adaLN keep
/// their full weight, so that logits and modulation are not all but zero. A convolution of the
/// VQVAE keeps the variance of its input.
Start start_of(const std::string& name, const std::vector<std::int64_t>& shape,
               const ModelConfig& config) {
  if (name.ends_with("scale_mul_1H11")) return {.value = std::log(4.0)};
  if (name.ends_with("bias")) return {};
  if (name.starts_with("vae.")) {
    if (shape.size() == 1) return {.value = 1};  // GroupNorm
    if (name.ends_with("embedding.weight")) return {.std = 1};
    return {.std = 1 / std::sqrt(static_cast<double>(shape[1] * shape[2] * shape[3]))};
  }
  const double std = std::sqrt(1.0 / 3.0 / config.width);
  if (ends_with_any(name, {"attn.proj.weight", "ffn.fc2.weight"})) {
    return {.std = std / std::sqrt(2.0 * config.depth)};
  }
  return {.std = std};
}

/// Blocks that begin with gates near zero, as in the official initialisation, would leave the
/// residual stream as it is: the two gates, gamma1 and gamma2, begin around one.
void open_gates(StateDict& weights, const ModelConfig& config) {
  const std::int64_t gates = std::int64_t{2} * config.width;
  for (int layer = 0; layer < config.depth; ++layer) {
    const std::string name =
        fmt::format("var.blocks.{}.{}", layer, config.shared_aln ? "ada_gss" : "ada_lin.1.bias");
    weights.at(name).view(-1).narrow(0, 0, gates).add_(1);
  }
}

}  // namespace

LoadedModel random_model(const ModelConfig& config, std::uint64_t seed) {
  LoadedModel model{
      .config = config, .weights = {}, .weights_sha256 = fmt::format("random:{}", seed)};
  NormalSource source;
  std::uint64_t index = 0;
  for (const auto& [name, shape] : expected_parameters(config)) {
    const Start start = start_of(name, shape, config);
    const std::uint64_t own_seed = splitmix64(seed, index++);
    if (start.std == 0) {
      model.weights.emplace(name, at::full(shape, start.value, stored_type));
      continue;
    }
    model.weights.emplace(name, source.draw(shape, start.std, own_seed));
  }
  open_gates(model.weights, config);
  return model;
}

}  // namespace kvscope
