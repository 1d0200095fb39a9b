#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/kvscope/commands.h"
#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/base/table.h"
#include "core/base/units.h"
#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"
#include "core/capture/capture_reader.h"

namespace kvscope::cli {
namespace {

nlohmann::json describe_capture(const CaptureReader& reader) {
  const RunRecord& record = reader.record();
  nlohmann::json quality;
  for (std::size_t i = 0; i < quality_counter_count; ++i) {
    const auto counter = static_cast<QualityCounter>(i);
    quality[std::string(name_of(counter))] = reader.quality()[counter];
  }
  const std::optional<Statistics> statistics = reader.statistics();
  const std::optional<Scores> scores = reader.scores();
  return {{"file", reader.path()},
          {"kind", name_of(record.kind)},
          {"capture_id", record.capture_id},
          {"source_ids", record.source_ids},
          {"complete", reader.complete()},
          {"committed_samples", reader.committed_samples()},
          {"quality", quality},
          {"tool", fmt::format("{} ({})", record.tool_version, record.git_commit)},
          {"start_time", record.start_time},
          {"model", to_json(record.model)},
          {"weights_sha256", record.weights_sha256},
          {"settings", to_json(record.settings)},
          {"policy", record.policy},
          {"torch", record.torch_version},
          {"device", record.device_name},
          {"cpu", record.cpu_name},
          {"raw_kv", reader.has_raw_kv()},
          {"similarity", statistics && statistics->has_similarity()},
          {"attention_mass", statistics && statistics->has_mass()},
          {"timings", reader.timings().has_value()},
          {"scores", scores ? to_json(*scores) : nlohmann::json()}};
}

nlohmann::json describe_budget(const std::string& path) {
  const Budget budget = load_budget(path);
  const RetentionPlan plan(budget);
  // Two-byte elements, one image: the usual way to state a cache.
  const KvShape shape{.heads = budget.model.heads,
                      .head_dim = budget.model.head_dim,
                      .rows = 2,
                      .key_element_bytes = 2,
                      .value_element_bytes = 2};
  const auto demanding = std::count_if(
      budget.layers.begin(), budget.layers.end(),
      [](const LayerBudget& layer) { return layer.layer_class == LayerClass::demanding; });
  const std::int64_t peak = logical_peak_bytes(plan, shape);
  const auto share = [&](Denominator denominator) {
    return static_cast<double>(peak) / static_cast<double>(denominator_bytes(
                                           denominator, plan.schedule(), plan.layers(), shape));
  };
  return {{"file", path},
          {"kind", "budget"},
          {"policy", budget.policy},
          {"layers", plan.layers()},
          {"demanding_layers", demanding},
          {"logical_peak_bytes_fp16_batch_1", peak},
          {"ratio_of_read", share(Denominator::read)},
          {"ratio_of_final", share(Denominator::final)}};
}

nlohmann::json describe_json(const std::string& path) {
  const nlohmann::json json = read_json_file(path, "info");
  const bool scores = json.is_object() && json.value("schema", nlohmann::json()) == scores_schema;
  if (!scores) return describe_budget(path);
  nlohmann::json described = to_json(load_scores(path));
  described["file"] = path;
  described["kind"] = "scores";
  return described;
}

nlohmann::json describe(const std::string& path) {
  if (std::filesystem::is_directory(path)) {
    nlohmann::json json = to_json(load_model_config(path + "/config.json"));
    json["kind"] = "model folder";
    return json;
  }
  if (std::filesystem::path(path).extension() == ".json") return describe_json(path);
  return describe_capture(CaptureReader(path));
}

std::string text_of(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void print_text(const nlohmann::json& json) {
  Table table{.columns = {"what", "value"}, .rows = {}};
  for (const auto& [key, value] : json.items()) {
    if (value.is_object()) {
      for (const auto& [inner, field] : value.items()) {
        table.rows.push_back({fmt::format("{}.{}", key, inner), text_of(field)});
      }
    } else {
      table.rows.push_back({key, text_of(value)});
    }
  }
  fmt::print("{}", to_text(table));
}

}  // namespace

Command info_command() {
  return {.name = "info",
          .summary = "Show what a capture, run, analysis, budget, scores or model folder is",
          .define = [](CLI::App& app) -> std::function<int()> {
            struct Options {
              std::string path;
              bool json = false;
            };
            auto options = std::make_shared<Options>();
            app.add_option("file", options->path,
                           "A .h5 file, a budget or scores .json or a model folder")
                ->required();
            app.add_flag("--json", options->json, "Machine-readable output");
            return [options] {
              const nlohmann::json json = describe(options->path);
              if (options->json) {
                fmt::print("{}\n", json.dump(2));
              } else {
                print_text(json);
              }
              return 0;
            };
          }};
}

}  // namespace kvscope::cli
