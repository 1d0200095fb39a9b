#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/sweep/sweep_tables.h"
#include "cli/common/engine_summaries.h"
#include "cli/common/value_options.h"
#include "cli/engine/commands.h"
#include "cli/engine/sweep_job.h"
#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/base/terminal.h"

namespace kvscope::cli {
namespace {

struct Options {
  SweepOptions sweep;
  bool no_score = false;
  bool json = false;
  bool csv = false;
  bool markdown = false;
};

void print(const SweepResults& results, const Options& options) {
  if (options.json) {
    fmt::print("{}\n", json_text(to_json(results), 2));
  } else if (options.csv) {
    fmt::print("{}", to_csv(to_tables(results, Numbers::exact)));
  } else if (options.markdown) {
    fmt::print("{}", to_markdown(to_tables(results, Numbers::readable)));
  } else {
    fmt::print("{}", to_text(to_tables(results, Numbers::readable), text_columns()));
  }
}

int run(const Options& options) {
  SweepOptions sweep = options.sweep;
  sweep.generation.score = !options.no_score;
  const SweepResults results = run_sweep(sweep);
  print(results, options);
  if (!problems_of(results).empty()) return exit_code(ErrorKind::data_lost);
  return results.unreachable.empty() ? 0 : exit_code(ErrorKind::failure);
}

void add_options(CLI::App& app, Options& options) {
  SweepOptions& sweep = options.sweep;
  app.add_option("analysis", sweep.analysis, "Analysis file of the vanilla cache")->required();
  auto* ratios = add_numbers(app, "--ratios", sweep.ratios,
                             "Shares of `read`, what the vanilla cache must hold "
                             "(default: 0.4,0.25,0.2,0.15)",
                             NumberRange{0.0, 1.0});
  auto* statistics = add_words(app, "--statistics", sweep.statistics,
                               "What chooses the layers: statistics of 'kvscope plan "
                               "--statistic'; random is five seeds (default: all that the "
                               "analysis gives)");
  auto* budgets = add_words(app, "--budgets", sweep.budgets,
                            "Budget files of your own as cells, named as the files; alone, or "
                            "beside those of --ratios and --statistics");
  app.add_option("--damage", sweep.damage,
                 "Results of a sweep with --single-layers: for the statistic damage, and among "
                 "what is held against --single-layers");
  app.add_flag("--single-layers", sweep.single_layers,
               "Instead: condense one layer at a time, and see what predicts the damage")
      ->excludes(ratios)
      ->excludes(statistics)
      ->excludes(budgets);
  add_number(app, "--teacher-forced", sweep.forced_samples,
             "Also hold every budget against the vanilla cache on the tokens of the first N "
             "samples (see score --teacher-forced)",
             NumberRange<std::int64_t>{.smallest = 1});
  app.add_option("-o,--output", sweep.output,
                 "Folder for the cells and results.json; cells that are there are not run again")
      ->required();
  app.add_flag("--force", sweep.force, "Replace files of other sweeps");
  add_draw_options(app, sweep.generation);
  auto* scorer = app.add_option("--scorer", sweep.generation.scorer,
                                "Scorer folder (default: the embedded model's)");
  app.add_flag("--no-score", options.no_score,
               "Do not judge the images: models that no scorer knows")
      ->excludes(scorer);
  auto* json = app.add_flag("--json", options.json, "As JSON, as in results.json");
  auto* csv = app.add_flag("--csv", options.csv, "As CSV, exact numbers")->excludes(json);
  app.add_flag("--markdown", options.markdown, "As markdown")->excludes(json)->excludes(csv);
}

}  // namespace

Command sweep_command() {
  return {.name = "sweep",
          .summary = engine_summary("sweep"),
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            add_options(app, *options);
            return [options] { return run(*options); };
          }};
}

}  // namespace kvscope::cli
