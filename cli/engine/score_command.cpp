#include <memory>
#include <string>

#include <ATen/Context.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/quality/score_capture.h"
#include "cli/engine/commands.h"
#include "cli/engine/generation_options.h"
#include "cli/engine/losses.h"
#include "cli/engine/print_scores.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/output_file.h"
#include "core/generate/device.h"
#include "core/generate/out_of_memory.h"

namespace kvscope::cli {
namespace {

struct Options {
  std::string file;
  std::string output;
  std::string scorer = embedded_scorer;
  std::string device = "cpu";
  int batch = 64;
  bool force = false;
  bool json = false;
};

int run(const Options& options) {
  const std::string output = options.output.empty() ? scores_path(options.file) : options.output;
  check_target(output, options.force);
  // fp32 means fp32: LibTorch would round convolutions to TF32 on a GPU.
  at::globalContext().setAllowTF32CuDNN(false);
  const at::Device device = parse_device(options.device);
  const CaptureReader file(options.file);
  CaptureScores result;
  with_out_of_memory_error(device, "a batch of images", [&] {
    result = score_capture(file, Scorer(options.scorer, device), options.batch);
  });
  const Scores& scores = result.scores;
  write_file(output, to_json(scores).dump(2) + '\n');
  if (options.json) {
    nlohmann::json json = to_json(scores);
    json["file"] = output;
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{}: ", output);
    print_scores(scores);
  }
  warn_of_losses(options.file);
  if (scores.unreadable_images == 0) return 0;
  log().warn("{}: {} of {} images cannot be read and are not in the scores; the first: {}",
             options.file, scores.unreadable_images, scores.samples + scores.unreadable_images,
             result.unreadable_why);
  return exit_code(ErrorKind::data_lost);
}

}  // namespace

Command score_command() {
  return {
      .name = "score",
      .summary = "Judge the images of a capture or run of the demo model",
      .define = [](CLI::App& app) -> std::function<int()> {
        auto options = std::make_shared<Options>();
        app.add_option("file", options->file, "Capture or run with its images beside it")
            ->required();
        app.add_option("-o,--output", options->output,
                       "Scores to write (default: FILE.scores.json, where compare and report "
                       "look for them)");
        app.add_option("--scorer", options->scorer,
                       "Scorer folder (default: the embedded model's)");
        app.add_option("--device", options->device, "cpu, cuda or cuda:N")->capture_default_str();
        app.add_option("--batch", options->batch, "Images at a time")
            ->check(CLI::Range(1, largest_batch))
            ->capture_default_str();
        app.add_flag("--force", options->force, "Overwrite an existing file");
        app.add_flag("--json", options->json, "Machine-readable summary");
        return [options] { return run(*options); };
      }};
}

}  // namespace kvscope::cli
