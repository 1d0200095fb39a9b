// What a user would lose: a threshold that follows the mouse. Each figure is what a window works
// out again for every move, the layer statistics kept: the plan, its classes and their stability,
// the notices and the grid of kept scales. Times are those of the processor: whatever else runs on
// the machine takes none of them.

#include <algorithm>
#include <cmath>
#include <ctime>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "analysis/compare/spread.h"
#include "analysis/layers/control_statistic.h"
#include "analysis/planner/planner.h"
#include "analysis/views/kept_scales.h"
#include "analysis/views/plan_notices.h"
#include "core/geometry/model_config.h"

namespace kvscope {
namespace {

constexpr int moves = 60;
constexpr double largest_ms = 16;  // a frame at 60 Hz

/// 64 samples of layers that rise and fall as a similarity does, a thousand resamples.
LayerStatisticValues statistics_of(const ModelConfig& model) {
  NdArray<double> per_sample({64, model.depth});
  for (std::int64_t sample = 0; sample < 64; ++sample) {
    for (std::int64_t layer = 0; layer < model.depth; ++layer) {
      const auto l = static_cast<double>(layer);
      const auto s = static_cast<double>(sample);
      per_sample(sample, layer) =
          0.7 - 0.2 * std::sin(2.1 * l) + 0.05 * std::cos(1.3 * s * (l + 1));
    }
  }
  LayerStatisticValues statistics = layer_statistic_values(per_sample);
  statistics.name = "cosine-key";
  return statistics;
}

/// 36 layers, ten scales: 680 tokens of a 256 px image, or 2240 of 512 px.
ModelConfig model_of(bool large_images) {
  ModelConfig model = named_model_config("d36-512");
  if (large_images) return model;
  const ModelConfig small = named_model_config("d30");
  model.patch_nums = small.patch_nums;
  model.image_size = small.image_size;
  return model;
}

struct Drag {
  std::string name;
  bool large_images = false;
  PlanOptions (*options)(double at) = nullptr;  ///< `at`: where the mouse is, 0 to 1
  bool uniform = false;                         ///< the control that tells no layers apart
};

/// ctest shows it beside the name of the case.
void PrintTo(const Drag& drag, std::ostream* out) { *out << drag.name; }

double processor_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

PlanOptions threshold(double at) { return {.choice = BelowTheta{0.45 + 0.5 * at}}; }
PlanOptions ratio(double at) { return {.choice = WithinRatio{0.1 + 0.8 * at, Denominator::read}}; }
PlanOptions filled(double at) {
  PlanOptions options = ratio(at);
  options.fill = true;
  return options;
}
PlanOptions filled_memory(double at) {
  PlanOptions options;
  // Of 36 layers of 36 heads, from a fifth to four fifths of what vanilla's buffers take.
  options.choice = WithinBytes{static_cast<std::int64_t>((0.2 + 0.6 * at) * 36 * 680 * 36 * 512)};
  options.fill = true;
  return options;
}

class PlanBench : public ::testing::TestWithParam<Drag> {};

TEST_P(PlanBench, FollowsTheMouse) {
  const ModelConfig model = model_of(GetParam().large_images);
  const LayerStatisticValues statistics =
      GetParam().uniform ? uniform_layers(model.depth) : statistics_of(model);
  std::vector<double> ms;
  for (int move = 0; move < moves; ++move) {
    const double start = processor_ms();
    const Plan plan =
        make_plan(statistics, model, GetParam().options(static_cast<double>(move) / moves));
    const std::vector<PlanNotice> notices = plan_notices(
        {.values = &statistics, .explanation = &plan.explanation, .budget = &plan.budget});
    const KeptScales kept = kept_scales(plan.budget);
    ms.push_back(processor_ms() - start);
    ASSERT_EQ(kept.classes.size(), plan.explanation.rows.size());
  }
  const Spread spread = spread_of(ms);
  fmt::print("{}, {} px: median {:.2f} ms, interquartile range {:.2f} ms, longest {:.2f} ms\n",
             GetParam().name, model.image_size, spread.median, spread.interquartile_range(),
             *std::max_element(ms.begin(), ms.end()));
#ifdef NDEBUG
  EXPECT_LT(spread.median, largest_ms);
#endif
}

INSTANTIATE_TEST_SUITE_P(
    Of36Layers, PlanBench,
    ::testing::Values(Drag{"threshold", false, threshold}, Drag{"threshold", true, threshold},
                      Drag{"ratio", false, ratio}, Drag{"ratio", true, ratio},
                      Drag{"ratio, filled", false, filled}, Drag{"ratio, filled", true, filled},
                      Drag{"uniform, filled", false, filled, true},
                      Drag{"uniform, filled", true, filled, true},
                      Drag{"kv memory, filled", false, filled_memory}),
    [](const ::testing::TestParamInfo<Drag>& drag) {
      std::string name = fmt::format("{}_{}", drag.param.name, drag.param.large_images ? 512 : 256);
      std::replace_if(name.begin(), name.end(), [](char c) { return c == ' ' || c == ','; }, '_');
      return name;
    });

}  // namespace
}  // namespace kvscope
