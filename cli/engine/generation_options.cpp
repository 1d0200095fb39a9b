#include "cli/engine/generation_options.h"

#include <limits>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/common/path_kind.h"
#include "cli/common/thread_option.h"
#include "cli/common/value_options.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/option_names.h"
#include "core/budget/budget_doubts.h"
#include "core/geometry/model_config.h"

namespace kvscope::cli {
namespace {

// Keeps sums of two sample numbers far from overflow.
constexpr std::int64_t largest_sample = std::int64_t{1} << 40;

void check_model(const std::string& model, bool random_weights) {
  const PathKind kind = kind_of(model);
  if (kind == PathKind::model_size) {
    if (random_weights) return;
    throw UsageError(fmt::format(
        "--model: {} is the name of a size, without weights; give --random-weights SEED to measure "
        "it, or a model folder",
        model));
  }
  expect_kind(
      "model", model,
      random_weights
          ? fmt::format("a model folder (config.json), or a size with --random-weights ({})",
                        fmt::join(model_config_names(), ", "))
          : "a model folder (config.json and weights.safetensors)",
      {PathKind::model_folder});
}

// Before anything is loaded, which can take minutes.
void check_files(const GenerationOptions& options) {
  check_model(options.model, options.random_weights.has_value());
  if (!options.budget.empty()) expect_budget("budget", options.budget);
  if (options.score) expect_scorer_folder("scorer", options.scorer);
}

std::vector<std::int64_t> resolve_labels(const GenerationOptions& options,
                                         const ModelConfig& config) {
  for (const std::int64_t label : options.labels) {
    // Nobody can say of an image of the unconditional class whether it is what was asked for.
    if (options.score && label == config.labels().unconditional()) {
      throw UsageError(fmt::format(
          "--labels: expected classes 0 to {} where images are scored (--score, sweep), "
          "got {}, the unconditional class",
          config.labels().last_class(), label));
    }
    if (!config.labels().contains(label)) {
      throw UsageError(
          fmt::format("--labels: expected {}, got {}", config.labels().range(), label));
    }
  }
  const auto given = static_cast<std::int64_t>(options.labels.size());
  const std::int64_t samples = options.samples.value_or(given);
  if (samples < 1) throw UsageError("give --labels 3,7 or --samples N");
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < samples; ++i) {
    const std::int64_t sample = options.first_sample + i;
    labels.push_back(given > 0 ? options.labels[static_cast<std::size_t>(sample % given)]
                               : config.labels().in_turn(sample));
  }
  return labels;
}

SamplingOptions resolve_sampling(const GenerationOptions& options, const ModelConfig& config) {
  return {.cfg = options.cfg.value_or(config.sampling.cfg),
          .top_k = options.top_k.value_or(config.sampling.top_k),
          .top_p = options.top_p.value_or(config.sampling.top_p),
          .more_smooth = options.more_smooth,
          .seed = options.seed,
          .rng = parse_random_mode(options.rng)};
}

Budget resolve_budget(const GenerationOptions& options, const ModelConfig& config) {
  if (options.budget.empty()) return vanilla_budget(budget_model_of(config));
  Budget budget = load_budget(options.budget);
  check_budget_fits(budget, config, options.budget);
  for (const std::string& doubt : doubts_of(budget)) log().warn("{}: {}", options.budget, doubt);
  return budget;
}

void check_first_sample(const GenerationOptions& options) {
  // Under the official generator a sample's draw depends on its place in its batch.
  if (options.rng == "official" && options.first_sample % options.batch != 0) {
    throw UsageError(fmt::format(
        "--first-sample: expected a multiple of --batch ({}) under --rng official, got {}",
        options.batch, options.first_sample));
  }
}

}  // namespace

LoadedModel load_model(const std::string& model, std::optional<std::uint64_t> random_weights) {
  check_model(model, random_weights.has_value());
  if (!random_weights) return load_model_folder(model);
  return random_model(model_config_of(model), *random_weights);
}

void add_draw_options(CLI::App& app, GenerationOptions& options) {
  app.add_option(option::model, options.model,
                 fmt::format("Model folder (weights.safetensors + config.json); with "
                             "--random-weights also a size: {}",
                             fmt::join(model_config_names(), ", ")))
      ->required();
  add_number(app, option::random_weights, options.random_weights,
             "Random weights from this seed instead of a checkpoint, for measuring",
             NumberRange<std::uint64_t>{});
  add_numbers(app, option::labels, options.labels, "Classes to draw, e.g. 3,7",
              NumberRange<std::int64_t>{0, std::numeric_limits<int>::max()});
  add_number(app, option::samples, options.samples, "Number of images; classes in turn",
             NumberRange<std::int64_t>{1, largest_sample});
  add_number(app, option::first_sample, options.first_sample,
             "Index of the first image, to share one job among processes",
             NumberRange<std::int64_t>{0, largest_sample});
  add_number(app, option::batch, options.batch, "Images at a time", NumberRange{1, largest_batch})
      ->capture_default_str();
  add_number(app, option::seed, options.seed, "Seed of the draws", NumberRange<std::uint64_t>{})
      ->capture_default_str();
  app.add_option(option::rng, options.rng,
                 "official: one torch generator a batch; per-sample: independent of the batch size")
      ->check(CLI::IsMember({"official", "per-sample"}))
      ->capture_default_str();
  add_number(app, option::cfg, options.cfg, "Guidance ratio (default: the model's)",
             NumberRange{0.0, largest_cfg});
  add_number(app, option::top_k, options.top_k,
             "Keep the k likeliest codes, 0: all (default: the model's)",
             NumberRange<int>{.smallest = 0});
  add_number(app, option::top_p, options.top_p,
             "Keep this probability, 0: all (default: the model's)", NumberRange{0.0, 1.0});
  app.add_flag(option::more_smooth, options.more_smooth,
               "Mix codes by a Gumbel softmax: smoother pictures, not for scores");
  app.add_option(option::device, options.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option(option::dtype, options.dtype, "Compute type")
      ->check(CLI::IsMember({"fp32", "fp16", "bf16"}))
      ->capture_default_str();
  add_threads_option(app, options.threads);
}

void add_generation_options(CLI::App& app, GenerationOptions& options) {
  add_draw_options(app, options);
  app.add_option(option::budget, options.budget, "Budget file; without one the cache is vanilla");
  add_number(app, option::warmup, options.warmup,
             "Untimed passes over the first batch before the job", NumberRange<int>{.smallest = 0})
      ->capture_default_str();
  add_number(app, option::repeat, options.repeat,
             "Timed passes over every batch; the first one is kept",
             NumberRange<int>{.smallest = 1})
      ->capture_default_str();
  auto* score = app.add_flag(option::score, options.score,
                             "Store how good the images are: class accuracy and demo Fréchet "
                             "distance (of the embedded model's pictures only)");
  app.add_option("--scorer", options.scorer, "Scorer folder (default: the embedded model's)")
      ->needs(score);
  app.add_option("-o,--output", options.output, "File to write")->required();
  app.add_flag("--force", options.force, "Overwrite an existing file");
  app.add_flag("--resume", options.resume,
               "Go on with the partial file of an interrupted run of the same command; without one "
               "start, and do nothing when the file is finished");
}

GenerationSetup resolve(const GenerationOptions& options) {
  check_first_sample(options);
  check_files(options);
  GenerationSetup setup{.model = load_model(options.model, options.random_weights),
                        .sampling = {},
                        .budget = {},
                        .settings = {},
                        .labels = {}};
  const ModelConfig& config = setup.model.config;
  setup.labels = resolve_labels(options, config);
  setup.sampling = resolve_sampling(options, config);
  setup.budget = resolve_budget(options, config);

  RunSettings& settings = setup.settings;
  settings.seed = options.seed;
  settings.rng = setup.sampling.rng;
  settings.cfg = setup.sampling.cfg;
  settings.top_k = setup.sampling.top_k;
  settings.top_p = setup.sampling.top_p;
  settings.more_smooth = options.more_smooth;
  settings.labels = options.labels;
  settings.samples = static_cast<std::int64_t>(setup.labels.size());
  settings.first_sample = options.first_sample;
  settings.batch = options.batch;
  settings.warmup = options.warmup;
  settings.repeat = options.repeat;
  settings.device = options.device == "cuda" ? "cuda:0" : options.device;
  settings.dtype = options.dtype;
  return setup;
}

}  // namespace kvscope::cli
