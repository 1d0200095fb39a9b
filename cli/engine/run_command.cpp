#include <memory>

#include <CLI/CLI.hpp>

#include "cli/common/engine_summaries.h"
#include "cli/engine/commands.h"
#include "cli/engine/generation_job.h"
#include "cli/engine/generation_options.h"

namespace kvscope::cli {

Command run_command() {
  return {.name = "run",
          .summary = engine_summary("run"),
          .define = [](CLI::App& app) -> std::function<int()> {
            struct Options {
              GenerationOptions generation;
              bool json = false;
            };
            auto options = std::make_shared<Options>();
            add_generation_options(app, options->generation);
            app.add_option("--vanilla", options->generation.vanilla_output,
                           "Also run the vanilla cache into this file, batch by batch in turn, so "
                           "that times compare on a busy machine")
                ->needs(app.get_option("--budget"))
                ->excludes(app.get_option("--resume"));
            app.add_flag("--json", options->json, "Machine-readable summary");
            return [options] {
              return run_generation_job(options->generation, FileKind::run, {}, options->json);
            };
          }};
}

}  // namespace kvscope::cli
