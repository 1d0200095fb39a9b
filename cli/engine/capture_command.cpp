#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/common/engine_summaries.h"
#include "cli/common/value_options.h"
#include "cli/engine/commands.h"
#include "cli/engine/generation_job.h"
#include "cli/engine/generation_options.h"
#include "collectors/kv/raw_kv.h"
#include "core/base/error.h"
#include "core/base/option_names.h"

namespace kvscope::cli {
namespace {

struct Options {
  GenerationOptions generation;
  std::string store = "raw";
  std::string kv_dtype;
  RunSettings settings;
  bool json = false;
};

/// One of the options of raw K and V.
const CollectorOption& raw_option(std::string_view name) {
  static const CollectorEntry raw = raw_kv_collector();
  return *std::find_if(raw.options.begin(), raw.options.end(),
                       [&](const CollectorOption& option) { return option.name == name; });
}

std::string help_of_raw(std::string_view name) {
  const CollectorOption& option = raw_option(name);
  return fmt::format("{} (default: {})", option.help, option.default_value);
}

void add_options(CLI::App& app, Options& options) {
  add_generation_options(app, options.generation);
  app.add_option(option::store, options.store,
                 "raw: K and V themselves; reduced: similarity and norms, accumulated in the run")
      ->check(CLI::IsMember({"raw", "reduced"}))
      ->capture_default_str();
  options.kv_dtype = raw_option(option::kv_dtype).default_value;
  app.add_option(option::kv_dtype, options.kv_dtype, help_of_raw(option::kv_dtype))
      ->check(CLI::IsMember({"fp16", "fp32", "bf16"}));
  KeptSubset& keep = options.settings.keep;
  constexpr NumberRange<int> index = {.smallest = 0};
  add_numbers(app, option::keep_layers, keep.layers, help_of_raw(option::keep_layers), index);
  add_numbers(app, option::keep_heads, keep.heads, help_of_raw(option::keep_heads), index);
  add_numbers(app, option::keep_scales, keep.scales, help_of_raw(option::keep_scales), index);
  add_numbers(app, option::keep_samples, keep.samples, help_of_raw(option::keep_samples),
              NumberRange<std::int64_t>{.smallest = 0});
  app.add_flag(option::keep_queries, keep.queries, help_of_raw(option::keep_queries));
  app.add_option(option::compression, options.settings.compression,
                 "none or deflate:1 … deflate:9; only none is safe against a kill")
      ->capture_default_str();
  app.add_flag("--json", options.json, "Machine-readable summary");
}

// Statistics are of all layers, heads, scales and samples.
void refuse_raw_choices(const CLI::App& app) {
  for (const CollectorOption& raw : raw_kv_collector().options) {
    if (app.count(std::string(raw.name)) == 0) continue;
    throw UsageError(
        fmt::format("{}: expected --store raw, got reduced, which keeps no raw K and V", raw.name));
  }
}

int run(const CLI::App& app, Options options) {
  options.settings.store = options.store == "raw" ? KvStore::raw : KvStore::reduced;
  if (options.settings.store == KvStore::reduced) refuse_raw_choices(app);
  options.settings.kv_dtype = parse_kv_dtype(options.kv_dtype);
  return run_generation_job(options.generation, FileKind::capture, options.settings, options.json);
}

}  // namespace

Command capture_command() {
  return {.name = "capture",
          .summary = engine_summary("capture"),
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            add_options(app, *options);
            return [options, &app] { return run(app, *options); };
          }};
}

}  // namespace kvscope::cli
