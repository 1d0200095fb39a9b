#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/common/engine_summaries.h"
#include "cli/common/value_options.h"
#include "cli/engine/commands.h"
#include "cli/engine/generation_job.h"
#include "cli/engine/generation_options.h"
#include "core/base/error.h"

namespace kvscope::cli {
namespace {

struct Options {
  GenerationOptions generation;
  std::string store = "raw";
  std::optional<std::string> kv_dtype;
  RunSettings settings;
  bool json = false;
};

void add_options(CLI::App& app, Options& options) {
  add_generation_options(app, options.generation);
  app.add_option("--store", options.store,
                 "raw: K and V themselves; reduced: similarity and norms, accumulated in the run")
      ->check(CLI::IsMember({"raw", "reduced"}))
      ->capture_default_str();
  app.add_option("--kv-dtype", options.kv_dtype, "Type of raw K and V in the file (default: fp16)")
      ->check(CLI::IsMember({"fp16", "fp32", "bf16"}));
  KeptSubset& keep = options.settings.keep;
  constexpr NumberRange<int> index = {.smallest = 0};
  add_numbers(app, "--keep-layers", keep.layers, "Raw data of these layers only, e.g. 0,5,11",
              index);
  add_numbers(app, "--keep-heads", keep.heads, "Raw data of these heads only", index);
  add_numbers(app, "--keep-scales", keep.scales, "Raw data of these scales only", index);
  add_numbers(app, "--keep-samples", keep.samples,
              "Raw data of these samples only, as the run counts them: from --first-sample on",
              NumberRange<std::int64_t>{.smallest = 0});
  app.add_flag("--keep-queries", keep.queries,
               "Store Q too, of what the other --keep options name: half as much again as K and V");
  app.add_option("--compression", options.settings.compression,
                 "none or deflate:1 … deflate:9; only none is safe against a kill")
      ->capture_default_str();
  app.add_flag("--json", options.json, "Machine-readable summary");
}

// Statistics are of all layers, heads, scales and samples.
void refuse_raw_choices(const Options& options) {
  const KeptSubset& keep = options.settings.keep;
  for (const auto& [option, given] : {std::pair{"--keep-layers", !keep.layers.empty()},
                                      std::pair{"--keep-heads", !keep.heads.empty()},
                                      std::pair{"--keep-scales", !keep.scales.empty()},
                                      std::pair{"--keep-samples", !keep.samples.empty()},
                                      std::pair{"--kv-dtype", options.kv_dtype.has_value()}}) {
    if (!given) continue;
    throw UsageError(
        fmt::format("{}: expected --store raw, got reduced, which keeps no raw K and V", option));
  }
}

int run(Options options) {
  if (options.settings.keep.queries && options.store != "raw") {
    throw UsageError(fmt::format("--keep-queries: expected --store raw, got {}, which keeps sums",
                                 options.store));
  }
  options.settings.store = options.store == "raw" ? KvStore::raw : KvStore::reduced;
  if (options.settings.store == KvStore::reduced) refuse_raw_choices(options);
  options.settings.kv_dtype = parse_kv_dtype(options.kv_dtype.value_or("fp16"));
  return run_generation_job(options.generation, FileKind::capture, options.settings, options.json);
}

}  // namespace

Command capture_command() {
  return {.name = "capture",
          .summary = engine_summary("capture"),
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            add_options(app, *options);
            return [options] { return run(*options); };
          }};
}

}  // namespace kvscope::cli
