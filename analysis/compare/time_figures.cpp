#include "analysis/compare/time_figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/module.h"

namespace kvscope {
namespace {

// Medians of two runs of one program on an idle machine differ by less.
constexpr double least_control_tolerance = 0.03;

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

bool part_of_self_attention(std::string_view module) {
  return std::any_of(self_attention_modules.begin(), self_attention_modules.end(),
                     [&](Module part) { return name_of(part) == module; });
}

bool is_control(std::string_view module) {
  const auto known = std::find(module_names.begin(), module_names.end(), module);
  return known != module_names.end() &&
         !budget_changes(static_cast<Module>(known - module_names.begin()));
}

/// Times of some modules together, [pass]: of a batch / images in it.
class PassTimes {
 public:
  PassTimes(const Timings& timings, const std::vector<Pass>& passes, double images)
      : timings_(timings), passes_(passes), images_(images) {}

  void include(std::size_t module) { modules_.push_back(static_cast<std::int64_t>(module)); }

  /// Nothing where they never ran.
  std::optional<ModuleTime> time_of(const std::string& name) const {
    ModuleTime time{name, spread(all, all), {}, {}};
    if (!ran(all, all)) return std::nullopt;
    for (std::int64_t scale = 0; scale < scales(); ++scale) {
      time.by_scale_ns.push_back(spread(all, scale));
    }
    for (std::int64_t layer = 0; layer < layers() && in_layers(); ++layer) {
      time.by_layer_ns.push_back(spread(layer, all));
    }
    return time;
  }

 private:
  static constexpr std::int64_t all = -1;

  std::int64_t layers() const { return timings_.layer_ns.shape.at(2); }
  std::int64_t scales() const { return timings_.layer_ns.shape.at(3); }

  /// Of one layer, or of all and of what belongs to none; at one scale, or at all.
  std::int64_t ns(const Pass& pass, std::int64_t layer, std::int64_t scale) const {
    const auto sum_over = [](std::int64_t one, std::int64_t count, auto value) {
      std::int64_t sum = 0;
      for (std::int64_t i = one == all ? 0 : one; i < (one == all ? count : one + 1); ++i) {
        sum += value(i);
      }
      return sum;
    };
    std::int64_t sum = 0;
    for (const std::int64_t module : modules_) {
      sum += sum_over(scale, scales(), [&](std::int64_t at) {
        const std::int64_t in_layers = sum_over(layer, layers(), [&](std::int64_t in) {
          return timings_.layer_ns(pass.batch, pass.repeat, in, at, module);
        });
        return in_layers +
               (layer == all ? timings_.model_ns(pass.batch, pass.repeat, at, module) : 0);
      });
    }
    return sum;
  }

  Spread spread(std::int64_t layer, std::int64_t scale) const {
    std::vector<double> values;
    values.reserve(passes_.size());
    for (const Pass& pass : passes_) {
      values.push_back(static_cast<double>(ns(pass, layer, scale)) / images_);
    }
    return spread_of(std::move(values));
  }

  bool ran(std::int64_t layer, std::int64_t scale) const {
    return std::any_of(passes_.begin(), passes_.end(),
                       [&](const Pass& pass) { return ns(pass, layer, scale) > 0; });
  }

  bool in_layers() const {
    for (std::int64_t layer = 0; layer < layers(); ++layer) {
      if (ran(layer, all)) return true;
    }
    return false;
  }

  const Timings& timings_;
  const std::vector<Pass>& passes_;
  double images_;
  std::vector<std::int64_t> modules_;
};

}  // namespace

const ModuleTime* TimeFigures::find(std::string_view module) const {
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
  for (const Pass& pass : passes) {
    image_ns.push_back(static_cast<double>(timings->batch_ns(pass.batch, pass.repeat)) / images);
  }
  figures.image_ns = spread_of(std::move(image_ns));
  PassTimes attention(*timings, passes, images);
  PassTimes controls(*timings, passes, images);
  for (std::size_t module = 0; module < timings->modules.size(); ++module) {
    const std::string& name = timings->modules[module];
    PassTimes alone(*timings, passes, images);
    alone.include(module);
    if (std::optional<ModuleTime> time = alone.time_of(name)) {
      figures.modules.push_back(std::move(*time));
    }
    if (part_of_self_attention(name)) attention.include(module);
    if (is_control(name)) controls.include(module);
  }
  if (std::optional<ModuleTime> time = attention.time_of(std::string(self_attention))) {
    figures.modules.push_back(std::move(*time));
  }
  if (const std::optional<ModuleTime> time = controls.time_of("controls")) {
    figures.control_ns = time->ns;
  }
  return {figures, ""};
}

std::optional<ControlCheck> check_controls(const TimeFigures& baseline, const TimeFigures& file) {
  if (!baseline.control_ns || !file.control_ns) return std::nullopt;
  const std::optional<SpreadRatio> ratio = ratio_of(*baseline.control_ns, *file.control_ns);
  if (!ratio) return std::nullopt;
  ControlCheck check{*ratio, least_control_tolerance, false};
  for (const Spread& ns : {*baseline.control_ns, *file.control_ns}) {
    if (ns.median > 0) {
      check.tolerance = std::max(check.tolerance, ns.interquartile_range() / ns.median);
    }
  }
  check.moved = std::abs(check.ratio.value - 1) > check.tolerance;
  return check;
}

std::string why_latency_differs(const RunRecord& baseline, const RunRecord& file) {
  const RunSettings& a = baseline.settings;
  const RunSettings& b = file.settings;
  const auto differ = [](std::string_view what, const auto& left, const auto& right) {
    return fmt::format("different {}: {} and {}", what, left, right);
  };
  if (a.collectors != b.collectors) {
    return differ("collectors", fmt::format("[{}]", fmt::join(a.collectors, ", ")),
                  fmt::format("[{}] (what is collected takes time: run both alike, and score later "
                              "with 'kvscope score')",
                              fmt::join(b.collectors, ", ")));
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
  if (a.device != b.device) return differ("devices", a.device, b.device);
  if (baseline.device_name != file.device_name) {
    return differ("devices", baseline.device_name, file.device_name);
  }
  if (a.device == "cpu" && baseline.cpu_name != file.cpu_name) {
    return differ("CPUs", baseline.cpu_name, file.cpu_name);
  }
  if (a.dtype != b.dtype) return differ("dtypes", a.dtype, b.dtype);
  if (a.batch != b.batch) return differ("batches", a.batch, b.batch);
  if (a.device == "cpu" && a.threads != b.threads) return differ("threads", a.threads, b.threads);
  return "";
}

}  // namespace kvscope
