#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "analysis/layers/statistic_list.h"
#include "analysis/planner/explanation.h"
#include "analysis/planner/plan_json.h"
#include "analysis/planner/planner.h"
#include "analysis/views/plan_notices.h"
#include "cli/common/path_kind.h"
#include "cli/common/value_options.h"
#include "cli/kvscope/commands.h"
#include "cli/kvscope/plan_sweep.h"
#include "core/base/decimal.h"
#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/base/log.h"
#include "core/base/losses.h"
#include "core/base/option_names.h"
#include "core/base/output_file.h"
#include "core/base/table.h"
#include "core/base/terminal.h"
#include "core/base/text_wrap.h"
#include "core/base/units.h"
#include "core/budget/denominator.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/rule_fields.h"
#include "core/capture/capture_reader.h"

namespace kvscope::cli {
namespace {

constexpr const char* default_statistic = "cosine-key";

struct Options {
  std::string file;
  std::string model;
  std::string output;
  std::optional<double> threshold;
  std::optional<int> demanding_layers;
  std::optional<double> ratio;
  std::string of = std::string(name_of(Denominator::read));
  std::optional<std::string> kv_memory;
  std::string efficient;
  std::string demanding = "all";
  bool whole_scales = false;
  bool fill = false;
  std::string statistic = default_statistic;
  std::string damage;
  SweepQuestion sweep;
  int batch = 1;
  int element_bytes = 2;
  bool force = false;
  bool json = false;
};

// "condensed=2,local=1" → the value behind each key.
std::map<std::string, std::int64_t> parse_rule(const std::string& text, const std::string& option,
                                               const std::set<std::string>& keys) {
  std::map<std::string, std::int64_t> values;
  for (const std::string_view part : split_list(text)) {
    const std::size_t equals = part.find('=');
    const std::string key(part.substr(0, equals));
    const std::optional<int> value =
        equals == part.npos ? std::nullopt : parse_decimal<int>(part.substr(equals + 1));
    const bool known = keys.contains(key) && value && *value >= 0;
    if (!known || !values.emplace(key, *value).second) {
      throw UsageError(fmt::format("{}: expected {} each with =N, got '{}'", option,
                                   fmt::join(keys, ", "), text));
    }
  }
  return values;
}

EfficientRule parse_efficient(const std::string& text) {
  EfficientRule rule;
  if (text.empty()) return rule;
  const std::string capacity(KeepCapacity::key);
  for (const auto& [key, value] :
       parse_rule(text, option::efficient, {condensed_option, local_option, capacity})) {
    if (key == condensed_option) rule.condensed_scales = static_cast<int>(value);
    if (key == local_option) rule.local_scales = static_cast<int>(value);
    if (key == capacity) rule.capacity_tokens = value;
  }
  return rule;
}

LayerRule parse_demanding(const std::string& text, int condensed_scales) {
  if (text == "all") return KeepAll{};
  const std::string capacity(KeepCapacity::key);
  const auto values = parse_rule(text, option::demanding, {capacity});
  return KeepCapacity{.condensed_scales = condensed_scales, .capacity_tokens = values.at(capacity)};
}

// As it is held, from what people see.
double theta_of(const Options& options, const LayerStatisticValues& statistics) {
  if (statistics.negated && *options.threshold < 0) {
    throw UsageError(fmt::format(
        "--threshold: expected 0 or more with --statistic {}, which is never negative, got {}",
        options.statistic, *options.threshold));
  }
  return statistics.shown(*options.threshold);
}

PlanChoice choice_of(const Options& options, const LayerStatisticValues& statistics) {
  if (options.threshold) return BelowTheta{theta_of(options, statistics)};
  if (options.demanding_layers) return MostDemanding{*options.demanding_layers};
  if (options.ratio) {
    return WithinRatio{.ratio = *options.ratio, .of = denominator_called(options.of)};
  }
  if (options.kv_memory) {
    return WithinBytes{.bytes = parse_bytes(*options.kv_memory, option::kv_memory)};
  }
  return WidestGap{};
}

PlanOptions plan_options(const Options& options, const LayerStatisticValues& statistics) {
  PlanOptions plan;
  plan.choice = choice_of(options, statistics);
  plan.efficient = parse_efficient(options.efficient);
  plan.demanding = parse_demanding(options.demanding, plan.efficient.condensed_scales);
  plan.whole_scales = options.whole_scales;
  plan.fill = options.fill;
  plan.batch = options.batch;
  plan.key_element_bytes = options.element_bytes;
  plan.value_element_bytes = options.element_bytes;
  return plan;
}

StatisticChoice statistic_of(const Options& options) {
  const StatisticChoice choice = parse_layer_statistic(options.statistic, option::statistic);
  if (!options.damage.empty() && choice.statistic->family != StatisticFamily::damage) {
    throw UsageError("--damage goes with --statistic damage");
  }
  return choice;
}

// What the layers are told apart by: a file, or no more than a model's geometry.
struct Source {
  explicit Source(const Options& options) {
    if (!options.file.empty()) reader.emplace(options.file);
    model = reader ? reader->record().model : model_config_of(options.model);
  }
  StatisticSource of_statistics(const std::string& damage) const {
    return reader ? StatisticSource(*reader, damage) : StatisticSource(model);
  }

  std::optional<CaptureReader> reader;
  ModelConfig model;
};

void check_files(const Options& options) {
  const char* const wanted = "an analysis (from 'kvscope analyze' or 'capture --store reduced')";
  if (kind_of(options.file) == PathKind::model_size) {
    throw BadInput("plan", options.file, wanted,
                   fmt::format("the name of a model size ('kvscope plan --model {}' plans from "
                               "geometry alone)",
                               options.file));
  }
  if (!options.file.empty()) {
    expect_kind("plan", options.file, wanted,
                {PathKind::analysis, PathKind::capture, PathKind::run});
  }
  if (!options.model.empty() && kind_of(options.model) != PathKind::model_size) {
    expect_kind("model", options.model, "a model folder (config.json) or the name of a size",
                {PathKind::model_folder});
  }
  if (!options.damage.empty()) expect_damage("plan", options.damage);
  if (!options.sweep.shown.empty()) expect_sweep_results("plan", options.sweep.shown);
}

void write_budget(const Options& options, const Budget& budget) {
  check_text_target(options.output, options.force);
  write_file(options.output, json_text(to_json(budget), 2) + '\n');
}

// Warnings go beside the results, the rest belongs to them.
void warn(const std::vector<PlanNotice>& notices) {
  for (const PlanNotice& notice : notices) {
    if (notice.severity == NoticeSeverity::warning) log().warn("{}", notice.text);
  }
}

void print_text(const Plan& plan, const LayerStatisticValues& statistics) {
  const PlanExplanation& explanation = plan.explanation;
  const int columns = text_columns();
  fmt::print("{}", wrap_text(heading(statistics), columns));
  if (explanation.theta) {
    fmt::print("θ = {:.4f}: {} it a layer is demanding\n", *explanation.theta,
               explanation.high_is_demanding ? "above" : "below");
  }
  fmt::print("\n{}{}\n{}", to_text(layer_table(explanation), columns),
             wrap_text(legend(explanation), columns), to_text(total_table(explanation), columns));
  for (const PlanNotice& notice : plan_notices({.explanation = &explanation})) {
    fmt::print("{}", wrap_text(notice.text, columns));
  }
}

void check_source(const Options& options) {
  if (options.file.empty() == options.model.empty()) {
    throw UsageError(
        "give an analysis file, or --model with a --statistic that needs none: uniform, first, "
        "last or random:SEED");
  }
}

// Which other statistic measured better, or for the default one that nobody has shown it.
std::string of_other_statistics(const Options& options, const Source& source, const Plan& plan) {
  if (!options.sweep.shown.empty()) {
    return what_measured_better(options.sweep, plan.budget.rule->statistic,
                                plan.explanation.ratio_of(Denominator::read),
                                source.reader->record().weights_sha256);
  }
  if (options.statistic != default_statistic) return "";
  return fmt::format(
      "{} is the default statistic; no sweep was shown (--sweep RESULTS.json) that says whether "
      "another one serves this model better",
      default_statistic);
}

int run_best(const Options& options) {
  if (!options.ratio) {
    throw UsageError("--best goes with --ratio, which the cells are looked up by");
  }
  expect_sweep_results("plan", options.sweep.best);
  const SweepChoice choice =
      choose_best(options.sweep, *options.ratio, denominator_called(options.of));
  if (!options.output.empty()) write_budget(options, choice.budget);
  if (is_standard_output(options.output)) return 0;
  if (options.json) {
    fmt::print("{}\n", json_text(to_json(choice), 2));
    return 0;
  }
  fmt::print("{}", to_text(choice));
  if (!options.output.empty()) fmt::print("\nBudget written to {}\n", options.output);
  return 0;
}

int run(const Options& options) {
  if (!options.sweep.best.empty()) return run_best(options);
  check_source(options);
  if (!options.sweep.by.empty() && options.sweep.shown.empty()) {
    throw UsageError("--by goes with --best or --sweep");
  }
  if (options.whole_scales && !options.ratio && !options.kv_memory) {
    throw UsageError("--whole-scales goes with a limit: give --ratio or --kv-memory");
  }
  const StatisticChoice statistic = statistic_of(options);
  check_files(options);
  const Source source(options);
  const CaptureReader* const file = source.reader ? &*source.reader : nullptr;
  warn(plan_notices({.file = file, .statistic = statistic.statistic}));
  const LayerStatisticValues statistics = statistic.read(source.of_statistics(options.damage));
  warn(plan_notices({.values = &statistics}));
  if (statistics.demand == LayerDemand::none && options.demanding != "all") {
    throw UsageError(
        fmt::format("--demanding: no layer is demanding with --statistic {}", options.statistic));
  }
  PlanOptions asked = plan_options(options, statistics);
  if (source.reader) asked.capture_id = source.reader->record().capture_id;
  const Plan plan = make_plan(statistics, source.model, asked);
  const std::string others = of_other_statistics(options, source, plan);
  if (!options.output.empty()) write_budget(options, plan.budget);
  if (is_standard_output(options.output)) return 0;
  if (options.json) {
    nlohmann::json json = to_json(plan, statistics);
    if (!others.empty()) json["other_statistics"] = others;
    fmt::print("{}\n", json_text(json, 2));
    return 0;
  }
  print_text(plan, statistics);
  if (!others.empty()) fmt::print("{}", wrap_text(others, text_columns()));
  if (!options.output.empty()) fmt::print("\nBudget written to {}\n", options.output);
  return 0;
}

std::string statistics_help() {
  const std::vector<std::string> names = layer_statistic_names();
  std::string text = "Statistics, and the layers each calls demanding:\n";
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("  {:<17}{}\n", names[i], all_layer_statistics()[i].help);
  }
  return text;
}

// After all others, of which --best takes but a few.
void add_sweep_options(CLI::App& app, Options& options) {
  auto* best = app.add_option("--best", options.sweep.best,
                              "Instead of a file: results.json of a sweep, whose best cell at the "
                              "nearest ratio of at most --ratio becomes the budget");
  app.add_option("--sweep", options.sweep.shown,
                 "Results of a sweep: says which other statistic measured better")
      ->excludes(best)
      ->needs(app.get_option("analysis"));
  app.add_option("--by", options.sweep.by,
                 "What --best and --sweep go by: tokens (as vanilla's, the default) or frechet "
                 "(demo Fréchet distance)")
      ->check(CLI::IsMember({"tokens", "frechet"}));
  for (const char* unused :
       {"analysis", option::model, option::threshold, option::demanding_layers, option::kv_memory,
        option::batch, option::element_bytes, option::efficient, option::demanding,
        "--whole-scales", option::fill, option::statistic, option::damage}) {
    best->excludes(app.get_option(unused));
  }
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("analysis", options.file, "Analysis file, or a capture with --store reduced");
  app.add_option(option::model, options.model,
                 fmt::format("Instead of a file: a model folder or a size ({}), with --statistic "
                             "uniform, first, last or random:SEED",
                             fmt::join(model_config_names(), ", ")));
  app.add_option("-o,--output", options.output,
                 "Budget to write, - for stdout; without it, only shown");

  auto* choice = app.add_option_group("choice",
                                      "How many layers are demanding; without any, the "
                                      "widest gap between layers decides");
  add_number(*choice, option::threshold, options.threshold,
             "Layers on the demanding side of this statistic, as the table shows it",
             NumberRange<double>{});
  add_number(*choice, option::demanding_layers, options.demanding_layers,
             "The N most demanding layers", NumberRange<int>{.smallest = 0});
  auto* ratio = add_number(*choice, option::ratio, options.ratio,
                           "As many as fit into this share of --of", NumberRange{0.0, 1.0});
  choice->add_option(
      option::kv_memory, options.kv_memory,
      "As many as fit when the K and V buffers of a run may take this much at --batch "
      "and --element-bytes, e.g. 24GiB");
  choice->require_option(0, 1);

  app.add_option(
         option::of, options.of,
         "What --ratio is a share of: read (what the vanilla cache must hold) or final (all "
         "tokens, what the official code holds at the end)")
      ->check(CLI::IsMember(
          std::vector<std::string>(denominator_names.begin(), denominator_names.end())))
      ->needs(ratio)
      ->capture_default_str();
  add_number(app, option::batch, options.batch, "Images at a time that the bytes are stated for",
             NumberRange{1, largest_batch})
      ->capture_default_str();
  add_number(app, option::element_bytes, options.element_bytes,
             "Bytes of a cached value: 2 for fp16 and bf16, 4 for fp32", NumberRange<int>{})
      ->check(CLI::IsMember({"2", "4"}))
      ->capture_default_str();
  app.add_option(option::efficient, options.efficient,
                 "What efficient layers keep, e.g. condensed=2,local=1 or "
                 "condensed=2,capacity_tokens=120 (default: condensed=2 and a capacity of what the "
                 "limit leaves; without a limit local=1; with --whole-scales neither)");
  app.add_option(option::demanding, options.demanding,
                 "What demanding layers keep: all or capacity_tokens=M")
      ->capture_default_str();
  app.add_flag("--whole-scales", options.whole_scales,
               "Do not fill what a limit leaves with a capacity for the efficient layers");
  app.add_flag(option::fill, options.fill,
               "After the common capacity, raise those of single layers while the limit allows");
  app.add_option(option::statistic, options.statistic, "What makes a layer demanding, see below")
      ->capture_default_str();
  app.add_option(option::damage, options.damage,
                 "Results of 'kvscope sweep --single-layers', for --statistic damage");
  add_sweep_options(app, options);
  app.add_flag("--force", options.force, "Overwrite an existing file");
  app.add_flag("--json", options.json, "Machine-readable: the budget and what the table shows");
  app.footer(statistics_help());
}

}  // namespace

Command plan_command() {
  return {.name = "plan",
          .summary = "Turn what the layers showed into a KV-cache budget",
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            add_options(app, *options);
            return [options] { return run(*options); };
          }};
}

}  // namespace kvscope::cli
