#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <c10/core/Device.h>

#include "core/budget/budget.h"
#include "core/generate/generator.h"
#include "core/model/sampling.h"
#include "core/weights/state_dict.h"

namespace kvscope {

/// What executes a model.
enum class Runtime {
  eager,  ///< LibTorch's own operators, on any device that LibTorch has
};

inline constexpr std::array<Runtime, 1> all_runtimes = {Runtime::eager};

std::string_view name_of(Runtime runtime);

/// Where and how a generator runs.
struct GeneratorSettings {
  Runtime runtime = Runtime::eager;
  at::Device device = at::kCPU;
  std::string dtype = "fp32";  ///< compute: "fp32", "fp16" or "bf16"
  SamplingOptions sampling = {};
};

/// A generator of `model`, whose weights are converted once: it may go away afterwards. Throws
/// Error for an unknown dtype, BadInput for a budget made for another model, Error(out_of_memory)
/// when the device is full.
std::unique_ptr<Generator> make_generator(const LoadedModel& model,
                                          const GeneratorSettings& settings, const Budget& budget);

/// make_generator, or what stands in its place.
using MakeGenerator = std::function<std::unique_ptr<Generator>(
    const LoadedModel& model, const GeneratorSettings& settings, const Budget& budget)>;

}  // namespace kvscope
