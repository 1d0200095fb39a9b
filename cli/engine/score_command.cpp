#include <memory>
#include <optional>
#include <string>

#include <ATen/Context.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/quality/score_capture.h"
#include "cli/common/engine_summaries.h"
#include "cli/common/path_kind.h"
#include "cli/common/value_options.h"
#include "cli/engine/commands.h"
#include "cli/engine/forced_job.h"
#include "cli/engine/generation_options.h"
#include "cli/engine/losses.h"
#include "cli/engine/print_scores.h"
#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/base/log.h"
#include "core/base/output_file.h"
#include "core/generate/device.h"
#include "core/generate/out_of_memory.h"

namespace kvscope::cli {
namespace {

struct Options {
  ForcedJobOptions forced;  ///< its file and device are the command's
  std::string file;
  std::string output;
  std::string scorer = embedded_scorer;
  std::string device = "cpu";
  std::optional<int> batch;
  bool force = false;
  bool json = false;
};

constexpr int default_batch = 64;

/// Nothing where the figures themselves went to stdout.
template <typename Figures>
void print_summary(const Figures& figures, const std::string& file, bool as_json,
                   void (*print)(const Figures&, const std::string&)) {
  if (is_standard_output(file)) return;
  if (as_json) {
    nlohmann::json json = to_json(figures);
    json["file"] = file;
    fmt::print("{}\n", json_text(json));
    return;
  }
  print(figures, file);
}

int run_forced(const Options& options) {
  const std::string output = options.output.empty() ? forced_path(options.file) : options.output;
  check_text_target(output, options.force);
  ForcedJobOptions job = options.forced;
  job.file = options.file;
  job.device = options.device;
  job.batch = options.batch;
  const ForcedAgreement agreement = run_forced_job(job);
  write_file(output, json_text(to_json(agreement), 2) + '\n');
  print_summary(agreement, output, options.json, print_forced);
  return warn_of_losses(options.forced.vanilla) ? exit_code(ErrorKind::data_lost) : 0;
}

int run_images(const Options& options) {
  const std::string output = options.output.empty() ? scores_path(options.file) : options.output;
  check_text_target(output, options.force);
  expect_kind("score", options.file, "a capture or run, which have images",
              {PathKind::capture, PathKind::run});
  expect_scorer_folder("scorer", options.scorer);
  // fp32 means fp32: LibTorch would round convolutions to TF32 on a GPU.
  at::globalContext().setAllowTF32CuDNN(false);
  const at::Device device = parse_device(options.device);
  const CaptureReader file(options.file);
  CaptureScores result;
  with_out_of_memory_error(device, "a batch of images", [&] {
    result =
        score_capture(file, Scorer(options.scorer, device), options.batch.value_or(default_batch));
  });
  const Scores& scores = result.scores;
  write_file(output, json_text(to_json(scores), 2) + '\n');
  print_summary(scores, output, options.json, print_scores);
  warn_of_losses(options.file);
  const int lost = exit_code(ErrorKind::data_lost);
  if (scores.unreadable_images == 0) return scores.nonfinite_images == 0 ? 0 : lost;
  log().warn("{}: {} of {} images cannot be read and are not in the scores; the first: {}",
             options.file, scores.unreadable_images, scores.samples + scores.unreadable_images,
             result.unreadable_why);
  return lost;
}

int run(const Options& options) {
  return options.forced.vanilla.empty() ? run_images(options) : run_forced(options);
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("file", options.file,
                 "Capture or run with its images beside it; with --teacher-forced also a budget")
      ->required();
  app.add_option("-o,--output", options.output,
                 "Scores to write (default: FILE.scores.json or FILE.forced.json, where compare "
                 "and report look for them), - for stdout");
  auto* scorer =
      app.add_option("--scorer", options.scorer, "Scorer folder (default: the embedded model's)");
  auto* forced = app.add_option("--teacher-forced", options.forced.vanilla,
                                "Instead: hold the budget of FILE against the vanilla cache on the "
                                "tokens of this vanilla run")
                     ->excludes(scorer);
  auto* model = app.add_option("--model", options.forced.model,
                               "Model folder of the vanilla run; with --random-weights also a size")
                    ->needs(forced);
  forced->needs(model);
  add_number(app, "--random-weights", options.forced.random_weights,
             "Random weights from this seed, as the vanilla run had them",
             NumberRange<std::uint64_t>{})
      ->needs(forced);
  add_number(app, "--samples", options.forced.samples,
             "Only the first N samples of the vanilla run",
             NumberRange<std::int64_t>{.smallest = 1})
      ->needs(forced);
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  add_number(app, "--batch", options.batch,
             fmt::format("Images at a time (default: {}, or the vanilla run's)", default_batch),
             NumberRange{1, largest_batch});
  app.add_flag("--force", options.force, "Overwrite an existing file");
  app.add_flag("--json", options.json, "Machine-readable summary");
}

}  // namespace

Command score_command() {
  return {.name = "score",
          .summary = engine_summary("score"),
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            add_options(app, *options);
            return [options] { return run(*options); };
          }};
}

}  // namespace kvscope::cli
