#include "core/model/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/DistributionsHelper.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/div.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/nextafter.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros_like.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// Streams of RandomMode::per_sample beside the scales: scale −1 labels a sample, and the noise of
// more_smooth at scale s has a stream of its own.
constexpr std::int64_t label_stream = -1;
constexpr std::int64_t noise_streams = std::int64_t{1} << 32;

std::uint64_t keyed_bits(std::uint64_t seed, std::int64_t sample, std::int64_t stream,
                         std::int64_t token) {
  const std::uint64_t of_sample = splitmix64(seed, static_cast<std::uint64_t>(sample));
  const std::uint64_t of_stream = splitmix64(of_sample, static_cast<std::uint64_t>(stream));
  return splitmix64(of_stream, static_cast<std::uint64_t>(token));
}

// The 53 high bits: every value is exact in a double.
double to_unit_interval(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

at::Generator make_generator(at::Device device, std::uint64_t seed) {
  if (device.is_cpu()) return at::detail::createCPUGenerator(seed);
  at::globalContext().lazyInitDevice(device.type());
  at::Generator generator = at::globalContext()
                                .getAcceleratorHooksInterface(device.type())
                                .getNewGenerator(device.index());
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seed);
  return generator;
}

}  // namespace

double guidance_strength(double cfg, int scale, int scales) {
  return cfg * (static_cast<double>(scale) / (scales - 1));
}

namespace {

// On a device, and the rule in its plainest form: one sort serves both. What top-k masks comes
// first, and its zero weight leaves with top-p.
void truncate_by_sort(at::Tensor& logits, std::int64_t kept, double top_p) {
  const std::int64_t vocab = logits.size(-1);
  auto [ascending, order] = at::sort(logits, -1, /*descending=*/false);
  if (kept < vocab) {
    const at::Tensor last_kept = ascending.narrow(-1, vocab - kept, 1);
    ascending.masked_fill_(ascending < last_kept, minus_infinity);
  }
  at::Tensor remove = at::softmax(ascending, -1).cumsum_(-1) <= std::max(1 - top_p, 0.0);
  remove.narrow(-1, vocab - 1, 1).fill_(false);
  logits.masked_fill_(at::empty_like(remove).scatter_(-1, order, remove), minus_infinity);
}

// The same for one row on a CPU, without sorting. `values` is scratch.
void truncate_row(float* row, std::int64_t vocab, std::int64_t kept, double top_p,
                  std::vector<float>& values) {
  values.assign(row, row + vocab);
  if (kept < vocab) {
    const auto last_kept = values.begin() + (vocab - kept);
    std::nth_element(values.begin(), last_kept, values.end());
    // Ties with the last kept value stay.
    const float threshold = *last_kept;
    values.erase(std::remove_if(values.begin(), values.end(),
                                [&](float value) { return value < threshold; }),
                 values.end());
  }
  const float largest = *std::max_element(values.begin(), values.end());
  const auto weight = [&](auto first, auto last) {
    double sum = 0;
    for (; first != last; ++first) sum += std::exp(*first - largest);
    return sum;
  };
  // Halves the range that holds the smallest kept value; all before it is removed.
  double removable = std::max(1 - top_p, 0.0) * weight(values.begin(), values.end());
  auto first_kept = values.begin();
  for (auto end = values.end(); end - first_kept > 1;) {
    const auto middle = first_kept + (end - first_kept) / 2;
    std::nth_element(first_kept, middle, end);
    const double lower = weight(first_kept, middle);
    if (lower <= removable) {
      removable -= lower;
      first_kept = middle;
    } else {
      end = middle;
    }
  }
  const float threshold = *first_kept;
  // Which of equal values leave is up to the published sort; here it is the first ones.
  auto ties = std::count(values.begin(), first_kept, threshold);
  for (std::int64_t code = 0; code < vocab; ++code) {
    if (row[code] > threshold) continue;
    if (row[code] < threshold || ties-- > 0) row[code] = static_cast<float>(minus_infinity);
  }
}

}  // namespace

void truncate_logits(at::Tensor& logits, int top_k, double top_p) {
  const std::int64_t vocab = logits.size(-1);
  const std::int64_t kept = top_k > 0 ? std::min<std::int64_t>(top_k, vocab) : vocab;
  if (top_p <= 0) {
    if (kept == vocab) return;
    const at::Tensor largest =
        std::get<0>(at::topk(logits, kept, -1, /*largest=*/true, /*sorted=*/false));
    logits.masked_fill_(logits < largest.amin(-1, /*keepdim=*/true), minus_infinity);
    return;
  }
  if (!logits.is_cpu()) {
    truncate_by_sort(logits, kept, top_p);
    return;
  }
  auto* rows = logits.mutable_data_ptr<float>();
  constexpr std::int64_t rows_per_task = 16;
  at::parallel_for(0, logits.numel() / vocab, rows_per_task,
                   [&](std::int64_t begin, std::int64_t end) {
                     std::vector<float> values;
                     for (std::int64_t row = begin; row < end; ++row) {
                       truncate_row(rows + row * vocab, vocab, kept, top_p, values);
                     }
                   });
}

namespace {

[[noreturn]] void refuse_logits() {
  throw Error("[sampling] logits: expected finite values, got NaN or infinity");
}

// at::multinomial with one draw a row, bit for bit: argmax of p/q with exponential q. It takes the
// same numbers from the generator, but only the codes that truncation left need their logarithm.
at::Tensor multinomial_on_cpu(const at::Tensor& weights, at::Generator& generator) {
  auto* numbers = at::check_generator<at::CPUGeneratorImpl>(generator);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  at::uniform_real_distribution<double> uniform(0.0, 1.0);
  at::Tensor tokens = at::empty({weights.size(0)}, at::kLong);
  auto* token = tokens.mutable_data_ptr<std::int64_t>();
  const auto* weight = weights.const_data_ptr<float>();
  const std::int64_t vocab = weights.size(1);
  for (std::int64_t row = 0; row < weights.size(0); ++row, weight += vocab) {
    float best = -1;
    for (std::int64_t code = 0; code < vocab; ++code) {
      const double number = uniform(numbers);
      if (weight[code] <= 0) continue;
      const float score =
          weight[code] / static_cast<float>(at::transformation::exponential(number, 1.0));
      if (score > best) {
        best = score;
        token[row] = code;
      }
    }
    // Logits that are not finite leave no weight to draw by.
    if (best < 0) refuse_logits();
  }
  return tokens;
}

// The same on a device, number for number, without the checks for which at::multinomial waits.
at::Tensor multinomial_on_device(const at::Tensor& weights, const at::Generator& generator) {
  at::Tensor scores = at::empty_like(weights).exponential_(1, generator);
  at::div_out(scores, weights, scores);
  return at::argmax(scores, -1);
}

}  // namespace

double keyed_uniform(std::uint64_t seed, std::int64_t sample, std::int64_t scale,
                     std::int64_t token) {
  return to_unit_interval(keyed_bits(seed, sample, scale, token));
}

Sampler::Sampler(const SamplingOptions& options, at::Device device, std::int64_t batch_index,
                 std::int64_t first_sample)
    : options_(options), device_(device), first_sample_(first_sample) {
  if (options_.rng == RandomMode::official) {
    generator_ = make_generator(device, batch_seed(options.seed, batch_index));
  }
}

at::Tensor Sampler::draw_labels(std::int64_t batch, int classes) {
  if (options_.rng == RandomMode::official) {
    const at::Tensor uniform =
        at::full({1, classes}, 1.0 / classes, at::TensorOptions(at::kFloat).device(device_));
    return at::multinomial(uniform, batch, /*replacement=*/true, generator_).view({batch});
  }
  at::Tensor labels = at::empty({batch}, at::kLong);
  auto* label = labels.mutable_data_ptr<std::int64_t>();
  for (std::int64_t index = 0; index < batch; ++index) {
    const double uniform = keyed_uniform(options_.seed, first_sample_ + index, label_stream, 0);
    label[index] = static_cast<std::int64_t>(uniform * classes);
  }
  return labels.to(device_);
}

at::Tensor Sampler::draw(at::Tensor& logits, int scale) {
  truncate_logits(logits, options_.top_k, options_.top_p);
  const std::int64_t batch = logits.size(0);
  const std::int64_t tokens = logits.size(1);
  if (options_.rng == RandomMode::official) {
    const at::Tensor weights = at::softmax(logits, -1).view({batch * tokens, -1});
    if (device_.is_cpu()) return multinomial_on_cpu(weights, generator_).view({batch, tokens});
    require_finite(weights.select(-1, 0));
    return multinomial_on_device(weights, generator_).view({batch, tokens});
  }
  // The first code whose cumulative probability exceeds a uniform share of the total. In float64,
  // so that a code is never lost to rounding; the share stays below the total for the same reason.
  const at::Tensor sums = at::cumsum(at::softmax(logits, -1, at::kDouble), -1);
  const std::int64_t last_code = sums.size(-1) - 1;
  const at::Tensor total = sums.narrow(-1, last_code, 1);
  require_finite(total);
  const at::Tensor share = keyed_uniforms({batch, tokens, 1}, scale).mul_(total);
  const at::Tensor below = at::nextafter(total, at::zeros_like(total));
  // Only logits that are not finite need the clamp.
  return at::searchsorted(sums, at::minimum(share, below), /*out_int32=*/false, /*right=*/true)
      .squeeze(-1)
      .clamp_max_(last_code);
}

// One logit that is not finite spoils every weight of its row.
void Sampler::require_finite(const at::Tensor& weights) {
  const at::Tensor finite = weights.isfinite().all();
  if (device_.is_cpu()) {
    if (!finite.item<bool>()) refuse_logits();
  } else {
    all_finite_ = all_finite_.defined() ? at::logical_and(all_finite_, finite) : finite;
  }
}

void Sampler::check_drawn() const {
  if (all_finite_.defined() && !all_finite_.item<bool>()) refuse_logits();
}

at::Tensor Sampler::smooth_weights(const at::Tensor& logits, int scale, int scales) {
  const double ratio = static_cast<double>(scale) / (scales - 1);
  const double temperature = std::max(0.27 * (1 - ratio * 0.95), 0.005);
  const at::Tensor gumbel = exponential(logits, scale).log_().neg_();
  return at::softmax(logits.mul(1 + ratio).add_(gumbel).div_(temperature), -1);
}

// Of host memory that a device copies from without keeping the host waiting.
at::TensorOptions Sampler::host_options(at::ScalarType type) const {
  return at::TensorOptions(type).pinned_memory(!device_.is_cpu());
}

// [sample, token, …] uniforms of this batch, keyed by the scale.
at::Tensor Sampler::keyed_uniforms(at::IntArrayRef shape, int scale) const {
  at::Tensor uniforms = at::empty(shape, host_options(at::kDouble));
  auto* uniform = uniforms.mutable_data_ptr<double>();
  for (std::int64_t index = 0; index < shape[0]; ++index) {
    for (std::int64_t token = 0; token < shape[1]; ++token) {
      *uniform++ = keyed_uniform(options_.seed, first_sample_ + index, scale, token);
    }
  }
  return uniforms.to(at::TensorOptions(device_), /*non_blocking=*/true);
}

at::Tensor Sampler::exponential(const at::Tensor& like, int scale) {
  at::Tensor noise = at::empty_like(like, at::MemoryFormat::Contiguous);
  if (options_.rng == RandomMode::official) return noise.exponential_(1, generator_);
  at::Tensor keyed = at::empty(like.sizes(), host_options(at::kFloat));
  auto* value = keyed.mutable_data_ptr<float>();
  for (std::int64_t index = 0; index < like.size(0); ++index) {
    for (std::int64_t token = 0; token < like.size(1); ++token) {
      const std::uint64_t key =
          keyed_bits(options_.seed, first_sample_ + index, noise_streams + scale, token);
      for (std::int64_t code = 0; code < like.size(2); ++code) {
        // Half a step above the grid: zero would become an infinite Gumbel value.
        const double uniform =
            to_unit_interval(splitmix64(key, static_cast<std::uint64_t>(code))) + 0x1p-54;
        *value++ = static_cast<float>(-std::log1p(-uniform));
      }
    }
  }
  return noise.copy_(keyed, /*non_blocking=*/true);
}

}  // namespace kvscope
