#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/report/report.h"
#include "cli/common/job_watch.h"
#include "cli/common/path_kind.h"
#include "cli/kvscope/commands.h"
#include "core/base/json_text.h"
#include "core/base/output_file.h"

namespace kvscope::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string output;
  bool force = false;
  bool json = false;
};

std::string render(const std::vector<std::string>& files) {
  JobWatch watch;
  return render_report(files, watch.control());
}

int run(const Options& options) {
  check_text_target(options.output, options.force);
  for (const std::string& file : options.files) {
    expect_kind("report", file, "a run, capture or analysis (a .h5 file)",
                {PathKind::run, PathKind::capture, PathKind::analysis});
  }
  write_file(options.output, render(options.files));
  if (is_standard_output(options.output)) return 0;
  if (options.json) {
    fmt::print("{}\n", json_text(nlohmann::json{{"file", options.output}}));
  } else {
    fmt::print("{}: open it in a browser\n", options.output);
  }
  return 0;
}

}  // namespace

Command report_command() {
  return {.name = "report",
          .summary = "Write a comparison and its statistics as one HTML page",
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            app.add_option(
                   "files", options->files,
                   "Runs to compare and analysis files, in any order; the first vanilla run is "
                   "the baseline")
                ->required();
            app.add_option("-o,--output", options->output, "HTML file to write, - for stdout")
                ->required();
            app.add_flag("--force", options->force, "Overwrite an existing file");
            app.add_flag("--json", options->json, "Machine-readable summary");
            return [options] { return run(*options); };
          }};
}

}  // namespace kvscope::cli
