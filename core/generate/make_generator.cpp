#include "core/generate/make_generator.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/generate/eager_generator.h"

namespace kvscope {
namespace {

constexpr std::array<std::string_view, all_runtimes.size()> runtime_names = {"eager"};

at::ScalarType compute_type(const std::string& dtype) {
  if (dtype == "fp32") return at::kFloat;
  if (dtype == "fp16") return at::kHalf;
  if (dtype == "bf16") return at::kBFloat16;
  throw Error(fmt::format("[generate] dtype: expected fp32, fp16 or bf16, got '{}'", dtype));
}

}  // namespace

std::string_view name_of(Runtime runtime) {
  return runtime_names[static_cast<std::size_t>(runtime)];
}

std::unique_ptr<Generator> make_generator(const LoadedModel& model,
                                          const GeneratorSettings& settings, const Budget& budget) {
  const EagerOptions eager{.device = settings.device,
                           .dtype = compute_type(settings.dtype),
                           .sampling = settings.sampling};
  switch (settings.runtime) {
    case Runtime::eager:
      return std::make_unique<EagerGenerator>(model, eager, budget);
  }
  throw Error("[generate] runtime: expected one of the list, got another");
}

}  // namespace kvscope
