#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/brief_table.h"
#include "analysis/compare/comparison.h"
#include "analysis/compare/comparison_tables.h"
#include "analysis/compare/image_sheet.h"
#include "analysis/compare/loaded_capture.h"
#include "cli/common/job_watch.h"
#include "cli/common/path_kind.h"
#include "cli/kvscope/commands.h"
#include "core/base/json_text.h"
#include "core/base/output_file.h"
#include "core/base/terminal.h"
#include "core/capture/capture_reader.h"
#include "core/image/png.h"

namespace kvscope::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  bool brief = false;
  bool json = false;
  bool csv = false;
  bool markdown = false;
  std::string sheet;
  bool force = false;
};

// More rows than this make a picture nobody can take in.
constexpr int sheet_samples = 16;

void write_sheet(const std::string& path, const Image& sheet) {
  const std::vector<std::uint8_t> png = encode_png(sheet);
  write_file(path, {reinterpret_cast<const char*>(png.data()), png.size()});
}

std::vector<LoadedCapture> load(const std::vector<std::string>& paths) {
  JobWatch watch;
  std::vector<LoadedCapture> files;
  files.reserve(paths.size());
  for (const std::string& path : paths) files.emplace_back(CaptureReader(path), watch.control());
  return files;
}

Comparison compare_watched(const std::vector<LoadedCapture>& files) {
  JobWatch watch;
  return compare_loaded(files, watch.control());
}

int run(const Options& options) {
  // Comparing the images takes long: refuse first.
  if (!options.sheet.empty()) check_target(options.sheet, options.force);
  for (const std::string& file : options.files) {
    expect_kind("compare", file, "a capture or run (a .h5 file)",
                {PathKind::run, PathKind::capture, PathKind::analysis});
  }
  const std::vector<LoadedCapture> files = load(options.files);
  const Comparison comparison = compare_watched(files);
  if (!options.sheet.empty()) write_sheet(options.sheet, image_sheet(files, sheet_samples));
  if (options.json) {
    fmt::print("{}\n", json_text(to_json(comparison), 2));
  } else if (options.csv) {
    fmt::print("{}", to_csv(comparison));
  } else if (options.markdown) {
    fmt::print("{}", to_markdown(comparison));
  } else if (options.brief) {
    const std::vector<TitledTable> tables = {problems_table(comparison.problems),
                                             brief_table(comparison)};
    fmt::print("{}", to_text(tables, text_columns()));
  } else {
    fmt::print("{}", to_text(comparison, text_columns()));
  }
  return 0;
}

}  // namespace

Command compare_command() {
  return {
      .name = "compare",
      .summary = "Compare memory, latency, tokens and images of files with the first one",
      .define = [](CLI::App& app) -> std::function<int()> {
        auto options = std::make_shared<Options>();
        app.add_option("files", options->files,
                       "Two or more capture or run files; the first one is the baseline")
            ->option_text("FILE FILE … REQUIRED")
            ->required()
            ->expected(2, CLI::detail::expected_max_vector_size);
        auto* json = app.add_flag("--json", options->json, "As JSON");
        auto* csv = app.add_flag("--csv", options->csv, "As CSV, exact numbers")->excludes(json);
        auto* markdown = app.add_flag("--markdown", options->markdown, "As markdown")
                             ->excludes(json)
                             ->excludes(csv);
        app.add_flag("--brief", options->brief, "Only the few figures that matter most")
            ->excludes(json)
            ->excludes(csv)
            ->excludes(markdown);
        app.add_option("--sheet", options->sheet,
                       "Also write a PNG: baseline, each other file and its difference × 4, one "
                       "row per sample, at most 16");
        app.add_flag("--force", options->force, "Overwrite an existing sheet");
        return [options] { return run(*options); };
      }};
}

}  // namespace kvscope::cli
