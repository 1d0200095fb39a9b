#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/file_forced.h"
#include "analysis/compare/file_scores.h"
#include "analysis/layers/damage_statistic.h"
#include "analysis/planner/explanation.h"
#include "analysis/planner/kept_tokens.h"
#include "analysis/planner/plan_json.h"
#include "cli/common/path_kind.h"
#include "cli/kvscope/commands.h"
#include "cli/kvscope/info_facts.h"
#include "cli/kvscope/info_tables.h"
#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/base/json_text.h"
#include "core/base/log.h"
#include "core/base/table.h"
#include "core/base/terminal.h"
#include "core/base/text_wrap.h"
#include "core/budget/budget.h"
#include "core/budget/budget_doubts.h"
#include "core/budget/kv_bytes.h"
#include "core/capture/capture_reader.h"
#include "core/trace/schema.h"
#include "core/trace/trace_path.h"
#include "core/trace/trace_reader.h"

namespace kvscope::cli {
namespace {

struct Options {
  std::string path;
  bool json = false;
  bool all = false;
};

/// What there is to say of a file: first, and all.
struct Described {
  std::vector<Fact> facts;
  nlohmann::json json;
  std::optional<Budget> budget = {};  ///< of a budget file
};

nlohmann::json describe_capture(const CaptureReader& reader) {
  const RunRecord& record = reader.record();
  nlohmann::json losses;
  for (const Loss& loss : reader.all_losses()) losses[loss.name] = loss.count;
  nlohmann::json described = {
      {"file", reader.path()},
      {"kind", name_of(record.kind)},
      {"capture_id", record.capture_id},
      {"source_ids", record.source_ids},
      {"complete", reader.complete()},
      {"committed_samples", reader.committed_samples()},
      {"losses", losses},
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
      {"raw_queries", reader.has_queries()},
      {"similarity", has_statistics(reader, Part::similarity)},
      {"attention_mass", has_statistics(reader, Part::mass)},
      {"timings", reader.layout().has(Part::timing)},
      {"scores", to_json(scores_of(reader))},
      {"teacher_forced", to_json(forced_of(reader))}};
  const std::string trace = find_trace(reader.path(), record.capture_id).path;
  described["trace"] = trace.empty() ? nlohmann::json() : nlohmann::json(trace);
  if (!reader.nonfinite_images().empty()) {
    described["nonfinite_image_samples"] = reader.nonfinite_samples();
  }
  if (record.source_ids.size() > 1) {
    described["settings_are_of"] = record.source_ids.front();
  }
  return described;
}

nlohmann::json describe_trace(const TraceReader& trace) {
  nlohmann::json rows = nlohmann::json::object();
  for (const trace::Table& table : trace::tables()) {
    rows[std::string(table.name)] = trace.rows(table);
  }
  nlohmann::json losses = nlohmann::json::array();
  for (const TraceLoss& loss : trace.losses()) {
    losses.push_back({{"table", loss.table},
                      {"reason", loss.reason},
                      {"lost_rows", loss.lost_rows},
                      {"advice", loss.advice}});
  }
  return {
      {"file", trace.path()},         {"kind", "trace"},         {"capture_id", trace.capture_id()},
      {"complete", trace.complete()}, {"rows", std::move(rows)}, {"losses", std::move(losses)},
      {"skipped", trace.skipped()}};
}

nlohmann::json describe_budget(const Budget& budget, const std::string& path) {
  const BudgetExpectation bytes = expectation_of(budget);
  const auto demanding = std::count_if(
      budget.layers.begin(), budget.layers.end(),
      [](const LayerBudget& layer) { return layer.layer_class == LayerClass::demanding; });
  nlohmann::json described = {{"file", path},
                              {"kind", "budget"},
                              {"policy", budget.policy},
                              {"layers", budget.layers.size()},
                              {"demanding_layers", demanding},
                              {"batch", bytes.batch},
                              {"key_element_bytes", bytes.key_element_bytes},
                              {"value_element_bytes", bytes.value_element_bytes},
                              {"logical_peak_bytes", bytes.logical_peak_bytes},
                              {"resident_peak_bytes", *bytes.resident_peak_bytes},
                              {"ratio_of_read", bytes.ratio_of_read},
                              {"ratio_of_final", bytes.ratio_of_final},
                              {"doubts", doubts_of(budget)},
                              {"kept", to_json(kept_tokens(budget, kv_shape(budget)))}};
  if (budget.expected) {
    described["expected_holds"] = expectation_holds(budget);
    described["expected_logical_peak_bytes"] = budget.expected->logical_peak_bytes;
  }
  return described;
}

Described describe_scores_file(const std::string& path) {
  const Scores scores = load_scores(path);
  nlohmann::json described = to_json(scores);
  described["file"] = path;
  described["kind"] = "scores";
  return {facts_of(scores, path), std::move(described)};
}

Described describe_forced_file(const std::string& path) {
  const ForcedAgreement agreement = load_forced_agreement(path);
  nlohmann::json described = to_json(agreement);
  described["file"] = path;
  described["kind"] = "teacher-forced agreement";
  return {facts_of(agreement, path), std::move(described)};
}

// What was run; `kvscope sweep` prints the figures as tables.
nlohmann::json describe_sweep(const nlohmann::json& results, const std::string& path) {
  JsonFields root(results, "info", path);
  root.object("settings");
  nlohmann::json cells = nlohmann::json::array();
  for (std::size_t index = 0; index < root.array("cells").size(); ++index) {
    cells.push_back(root.element("cells", index).text("name"));
  }
  return {{"file", path},
          {"kind", "sweep"},
          {"model", root.object("model").text("name")},
          {"weights_sha256", root.text("weights_sha256")},
          {"analysis_capture_id", root.text("analysis_capture_id")},
          {"settings", results.at("settings")},
          {"cells", std::move(cells)},
          {"problems", root.array("problems")}};
}

Described describe(const std::string& path) {
  expect_kind("info", path,
              "a capture, run or analysis, a trace, a budget, the results of a sweep, a file of "
              "scores or of teacher-forced agreement or a model folder",
              {PathKind::capture, PathKind::run, PathKind::analysis, PathKind::trace,
               PathKind::budget, PathKind::sweep_results, PathKind::scores,
               PathKind::forced_agreement, PathKind::model_folder});
  const PathKind kind = kind_of(path);
  if (kind == PathKind::model_folder) {
    const ModelConfig model = load_model_config(path + "/config.json");
    nlohmann::json json = to_json(model);
    json["kind"] = "model folder";
    return {facts_of(model, path), std::move(json)};
  }
  if (kind == PathKind::scores) return describe_scores_file(path);
  if (kind == PathKind::forced_agreement) return describe_forced_file(path);
  if (kind == PathKind::sweep_results) {
    nlohmann::json json = describe_sweep(read_json_file(path, "info"), path);
    return {facts_of_sweep(json), std::move(json)};
  }
  if (kind == PathKind::budget || kind == PathKind::json) {
    const Budget budget = load_budget(path);
    return {facts_of(budget, path), describe_budget(budget, path), budget};
  }
  if (kind == PathKind::trace) {
    const TraceReader trace(path);
    return {facts_of(trace), describe_trace(trace)};
  }
  const CaptureReader reader(path);
  return {facts_of(reader), describe_capture(reader)};
}

void warn_of_doubts(const std::string& path, const Budget& budget) {
  for (const std::string& doubt : doubts_of(budget)) log().warn("{}: {}", path, doubt);
}

void print_budget_layers(const Budget& budget) {
  const KvShape shape = kv_shape(budget);
  fmt::print("\n{}{}", to_text(layer_table(kept_tokens(budget, shape)), text_columns()),
             wrap_text(legend(shape), text_columns()));
}

/// Everything that --json has, but for `kept` and `doubts` of a budget, which have their own
/// places.
void print_all(nlohmann::json json) {
  json.erase("kept");
  json.erase("doubts");
  fmt::print("\n{}", to_text(to_tables(json), text_columns()));
}

int run(const Options& options) {
  const Described described = describe(options.path);
  if (options.json) {
    fmt::print("{}\n", json_text(described.json, 2));
    return 0;
  }
  fmt::print("{}", to_text(described.facts, text_columns()));
  if (described.budget) warn_of_doubts(options.path, *described.budget);
  if (!options.all) return 0;
  print_all(described.json);
  if (described.budget) print_budget_layers(*described.budget);
  return 0;
}

}  // namespace

Command info_command() {
  return {.name = "info",
          .summary =
              "Show what a capture, run, analysis, trace, budget, sweep, scores or model folder is",
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            app.add_option("file", options->path,
                           "A .h5 file, a budget, sweep or scores .json or a model folder")
                ->required();
            auto* json = app.add_flag("--json", options->json, "Machine-readable, everything");
            app.add_flag("--all", options->all,
                         "Everything, not just what it is, of which model, from what run, its "
                         "memory and losses")
                ->excludes(json);
            return [options] { return run(*options); };
          }};
}

}  // namespace kvscope::cli
