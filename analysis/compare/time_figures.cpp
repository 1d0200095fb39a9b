#include "analysis/compare/time_figures.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/bootstrap.h"
#include "core/base/error.h"
#include "core/base/module.h"

namespace kvscope {
namespace {

constexpr std::array<Module, 4> self_attention = {Module::qkv, Module::qk_norm_cache,
                                                  Module::attention_core, Module::projection};

/// One measured run of a batch.
struct Pass {
  std::int64_t batch = 0;
  std::int64_t repeat = 0;
};

/// The runs that count: those of the largest batches (a merged file has shorter ones anywhere),
/// without the first run of the process unless it is all there is or warm-up runs went before it.
std::vector<Pass> passes_of(const CaptureReader& file, const Timings& timings, bool& excluded) {
  const std::vector<std::int64_t>& samples = file.batch_samples();
  const auto largest = std::max_element(samples.begin(), samples.end());
  std::vector<Pass> passes;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i] < *largest) continue;
    const auto batch = static_cast<std::int64_t>(i);
    for (std::int64_t repeat = 0; repeat < timings.batch_ns.shape.at(1); ++repeat) {
      if (timings.batch_ns(batch, repeat) > 0) passes.push_back({batch, repeat});
    }
  }
  excluded = file.record().settings.warmup == 0 && passes.size() > 1 && passes.front().batch == 0;
  if (excluded) passes.erase(passes.begin());
  return passes;
}

std::int64_t module_ns(const Timings& timings, const Pass& pass, std::int64_t module) {
  std::int64_t sum = 0;
  const NdArray<std::int64_t>& layers = timings.layer_ns;
  for (std::int64_t layer = 0; layer < layers.shape.at(2); ++layer) {
    for (std::int64_t scale = 0; scale < layers.shape.at(3); ++scale) {
      sum += layers(pass.batch, pass.repeat, layer, scale, module);
    }
  }
  for (std::int64_t scale = 0; scale < timings.model_ns.shape.at(2); ++scale) {
    sum += timings.model_ns(pass.batch, pass.repeat, scale, module);
  }
  return sum;
}

bool part_of_self_attention(std::string_view module) {
  return std::any_of(self_attention.begin(), self_attention.end(),
                     [&](Module part) { return name_of(part) == module; });
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  if (values.empty()) throw Error("[compare] spread: expected at least one value, got none");
  std::sort(values.begin(), values.end());
  return {percentile(values, 0.5), percentile(values, 0.25), percentile(values, 0.75),
          static_cast<std::int64_t>(values.size())};
}

const ModuleTime* TimeFigures::find(const std::string& module) const {
  const auto found = std::find_if(modules.begin(), modules.end(),
                                  [&](const ModuleTime& time) { return time.name == module; });
  return found == modules.end() ? nullptr : &*found;
}

Comparable<TimeFigures> time_figures(const CaptureReader& file) {
  const std::optional<Timings> timings = file.timings();
  if (!timings) return {std::nullopt, "the file has no timings"};
  TimeFigures figures;
  const std::vector<Pass> passes = passes_of(file, *timings, figures.first_pass_excluded);
  if (passes.empty()) return {std::nullopt, "no batch was timed"};

  // All passes are of batches of one size.
  const auto images =
      static_cast<double>(file.batch_samples()[static_cast<std::size_t>(passes.front().batch)]);
  std::vector<double> image_ns;
  image_ns.reserve(passes.size());
  std::vector<double> attention_ns(passes.size());
  for (const Pass& pass : passes) {
    image_ns.push_back(static_cast<double>(timings->batch_ns(pass.batch, pass.repeat)) / images);
  }
  figures.image_ns = spread_of(image_ns);
  for (std::size_t module = 0; module < timings->modules.size(); ++module) {
    std::vector<double> values;
    for (std::size_t i = 0; i < passes.size(); ++i) {
      const std::int64_t ns = module_ns(*timings, passes[i], static_cast<std::int64_t>(module));
      values.push_back(static_cast<double>(ns) / images);
      if (part_of_self_attention(timings->modules[module])) attention_ns[i] += values.back();
    }
    if (*std::max_element(values.begin(), values.end()) > 0) {
      figures.modules.push_back({timings->modules[module], spread_of(values)});
    }
  }
  if (*std::max_element(attention_ns.begin(), attention_ns.end()) > 0) {
    figures.modules.push_back({"self-attention", spread_of(attention_ns)});
  }
  return {figures, ""};
}

std::string why_latency_differs(const CaptureReader& baseline, const CaptureReader& file) {
  const RunSettings& a = baseline.record().settings;
  const RunSettings& b = file.record().settings;
  const auto differ = [](std::string_view what, const auto& left, const auto& right) {
    return fmt::format("different {}: {} and {}", what, left, right);
  };
  if (a.collectors != b.collectors) {
    return differ("collectors", fmt::format("[{}]", fmt::join(a.collectors, ", ")),
                  fmt::format("[{}]", fmt::join(b.collectors, ", ")));
  }
  if (a.store != b.store) return differ("K/V store", name_of(a.store), name_of(b.store));
  if (a.store == KvStore::raw) {
    if (a.kv_dtype != b.kv_dtype) {
      return differ("stored K/V types", name_of(a.kv_dtype), name_of(b.kv_dtype));
    }
    if (a.compression != b.compression) return differ("compression", a.compression, b.compression);
    if (a.keep.queries != b.keep.queries) return "queries kept in one of them only";
    if (a.keep != b.keep) return "different parts of K and V kept";
  }
  const RunRecord& left = baseline.record();
  const RunRecord& right = file.record();
  if (a.device != b.device) return differ("devices", a.device, b.device);
  if (left.device_name != right.device_name) {
    return differ("devices", left.device_name, right.device_name);
  }
  if (a.device == "cpu" && left.cpu_name != right.cpu_name) {
    return differ("CPUs", left.cpu_name, right.cpu_name);
  }
  if (a.dtype != b.dtype) return differ("dtypes", a.dtype, b.dtype);
  if (a.batch != b.batch) return differ("batches", a.batch, b.batch);
  if (a.device == "cpu" && a.threads != b.threads) return differ("threads", a.threads, b.threads);
  return "";
}

}  // namespace kvscope
