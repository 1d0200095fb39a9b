#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/budget/budget.h"
#include "core/model/sampling.h"
#include "core/record/run_record.h"
#include "core/weights/state_dict.h"

namespace CLI {
class App;
}

namespace kvscope::cli {

/// Scorer folder of the embedded model, in the source tree.
inline constexpr const char* embedded_scorer = KVSCOPE_DATA_DIR "/demo/scorer";

/// What capture and run share: the model, the samples and how they are drawn.
struct GenerationOptions {
  std::string model;
  std::optional<std::uint64_t> random_weights;
  std::vector<std::int64_t> labels;
  std::optional<std::int64_t> samples;
  std::int64_t first_sample = 0;
  int batch = 4;
  std::uint64_t seed = 0;
  std::string rng = "official";
  std::optional<double> cfg;
  std::optional<int> top_k;
  std::optional<double> top_p;
  bool more_smooth = false;
  std::string device = "cpu";
  std::string dtype = "fp32";
  int threads = 0;
  std::string budget;
  int warmup = 0;
  int repeat = 1;
  std::string output;
  bool force = false;
  bool resume = false;
  std::string vanilla_output;  ///< of the vanilla cache, run in turn; empty: not run
  bool score = false;
  std::string scorer = embedded_scorer;
};

/// The model, the samples, how they are drawn and on what: the same for all runs of a sweep.
void add_draw_options(CLI::App& app, GenerationOptions& options);

/// All of them: add_draw_options, and those of a single run.
void add_generation_options(CLI::App& app, GenerationOptions& options);

/// The folder `model`; with a seed random weights of that folder's or named size. Throws BadInput.
LoadedModel load_model(const std::string& model, std::optional<std::uint64_t> random_weights);

/// The options with every default filled in from the model.
struct GenerationSetup {
  LoadedModel model;
  SamplingOptions sampling;
  Budget budget;
  RunSettings settings;              ///< collectors and storage are the command's
  std::vector<std::int64_t> labels;  ///< one per sample
};

/// Loads the model and the budget and checks the options against them. Throws UsageError or
/// BadInput.
GenerationSetup resolve(const GenerationOptions& options);

}  // namespace kvscope::cli
