#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/metrics/analyze.h"
#include "cli/common/engine_summaries.h"
#include "cli/common/path_kind.h"
#include "cli/common/thread_option.h"
#include "cli/engine/commands.h"
#include "cli/engine/losses.h"
#include "core/base/json_text.h"

namespace kvscope::cli {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string output;
  AnalyzeOptions analyze{.threads = 0};
  bool json = false;
};

int run(Options options) {
  for (const std::string& input : options.inputs) {
    expect_kind("analyze", input, "a capture (from 'kvscope capture')",
                {PathKind::capture, PathKind::analysis});
  }
  if (options.analyze.threads == 0) options.analyze.threads = at::get_num_threads();
  const auto start = std::chrono::steady_clock::now();
  analyze(options.inputs, options.output, options.analyze);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const std::string& input : options.inputs) warn_of_losses(input);
  if (options.json) {
    fmt::print("{}\n", json_text(nlohmann::json{{"file", options.output}, {"seconds", seconds}}));
  } else {
    fmt::print("{}: similarity and attention of {} capture{} in {:.2f} s\n", options.output,
               options.inputs.size(), options.inputs.size() == 1 ? "" : "s", seconds);
  }
  return 0;
}

}  // namespace

Command analyze_command() {
  return {.name = "analyze",
          .summary = engine_summary("analyze"),
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            app.add_option("captures", options->inputs, "Captures of one model and setting")
                ->required();
            app.add_option("-o,--output", options->output, "Analysis file to write")->required();
            add_threads_option(app, options->analyze.threads);
            app.add_flag("--force", options->analyze.force, "Overwrite an existing file");
            app.add_flag("--json", options->json, "Machine-readable summary");
            return [options] { return run(*options); };
          }};
}

}  // namespace kvscope::cli
