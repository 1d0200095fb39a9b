#include "cli/kvscope/info_facts.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/figure_writer.h"
#include "analysis/compare/file_scores.h"
#include "analysis/compare/memory_figures.h"
#include "analysis/planner/explanation.h"
#include "analysis/planner/kept_tokens.h"
#include "core/base/table.h"
#include "core/base/text_wrap.h"
#include "core/base/units.h"
#include "core/budget/budget_doubts.h"
#include "core/budget/kv_bytes.h"
#include "core/trace/schema.h"
#include "core/trace/trace_path.h"

namespace kvscope::cli {
namespace {

/// Enough digits of a digest or an id to tell it from others.
std::string short_id(const std::string& id) {
  constexpr std::size_t digits = 8;
  return id.substr(0, digits);
}

std::string scales_of(const std::vector<int>& sides) {
  return fmt::format("{} scale{} up to {} × {} tokens", sides.size(), sides.size() == 1 ? "" : "s",
                     sides.back(), sides.back());
}

std::string describe_model(const ModelConfig& model) {
  return fmt::format("{}: {} layers × {} heads × {} channels, {} px in {}", model.name, model.depth,
                     model.heads, model.head_dim(), model.image_size, scales_of(model.patch_nums));
}

std::string with_weights(const std::string& model, const std::string& sha256) {
  return fmt::format("{}; weights {}", model, short_id(sha256));
}

std::string with_interval(const Estimate& figure, std::string (*format)(double)) {
  const auto cells = FigureWriter(Numbers::readable).estimate(figure, format);
  return cells[1] == "-" ? cells[0] : fmt::format("{} ({})", cells[0], cells[1]);
}

std::string percent(double share) { return FigureWriter(Numbers::readable).share(share); }
std::string three_decimals(double value) { return fmt::format("{:.3f}", value); }
std::string nats(double value) { return fmt::format("{:.4f}", value); }

std::string contents_of(const CaptureReader& file) {
  const std::vector<std::pair<const char*, bool>> parts = {
      {"raw K and V", file.has_raw_kv()},
      {"raw Q", file.has_queries()},
      {"similarity", has_statistics(file, Part::similarity)},
      {"attention mass", has_statistics(file, Part::mass)},
      {"times", file.layout().has(Part::timing)},
      {"scores", bool(scores_of(file))},
      {"a trace beside it", !find_trace(file.path(), file.record().capture_id).path.empty()}};
  std::vector<std::string> held = {"tokens"};
  for (const auto& [name, there] : parts) {
    if (there) held.emplace_back(name);
  }
  return fmt::format("{}", fmt::join(held, ", "));
}

std::string describe_run(const RunRecord& record) {
  const RunSettings& settings = record.settings;
  const std::string& device = settings.device == "cpu" ? record.cpu_name : record.device_name;
  return fmt::format("{} cache, {} on {} ({}), batch {}, seed {}, {}", record.policy,
                     settings.dtype, settings.device, device, settings.batch, settings.seed,
                     record.start_time);
}

std::string describe_memory(const CaptureReader& file) {
  if (file.committed_samples() == 0) return "not measured yet";
  const LedgerRecord ledger = file.ledger();
  const MemoryFigures memory = memory_figures(file.record(), ledger, file.memory(),
                                              kv_shape_of(file.record().model, ledger));
  std::string text =
      fmt::format("KV peak {} logical, {} resident (batch {}); process {}",
                  format_bytes(memory.logical_peak_bytes), format_bytes(memory.resident_peak_bytes),
                  file.record().settings.batch, format_bytes(memory.process_peak_rss_bytes));
  if (memory.allocator_peak_bytes > 0) {
    text += fmt::format(", allocator {}", format_bytes(memory.allocator_peak_bytes));
  }
  return text;
}

std::string describe_losses(const CaptureReader& file) {
  std::vector<std::string> lost;
  for (const Loss& loss : file.all_losses()) {
    if (loss.count == 0) continue;
    lost.push_back(fmt::format("{} {} ({})", loss.count, loss.name, loss.advice));
  }
  return lost.empty() ? "none" : fmt::format("{}", fmt::join(lost, "; "));
}

/// "2 demanding: all; 10 efficient: condensed 2, capacity 20".
std::string describe_layers(const std::vector<KeptTokens>& layers) {
  std::vector<std::pair<std::string, int>> rules;
  for (const KeptTokens& kept : layers) {
    std::string rule = fmt::format("{}: {}", name_of(kept.layer_class), kept.rule.in_words());
    const auto found = std::find_if(rules.begin(), rules.end(),
                                    [&](const auto& each) { return each.first == rule; });
    if (found == rules.end()) {
      rules.emplace_back(std::move(rule), 1);
    } else {
      ++found->second;
    }
  }
  constexpr std::size_t most_named = 4;
  std::vector<std::string> texts;
  for (const auto& [rule, count] : rules) {
    if (texts.size() == most_named) {
      texts.push_back(fmt::format("{} more rules", rules.size() - most_named));
      break;
    }
    texts.push_back(fmt::format("{} {}", count, rule));
  }
  return fmt::format("{}", fmt::join(texts, "; "));
}

std::string describe_expectation(const BudgetExpectation& bytes) {
  return fmt::format(
      "logical peak {} ({} of read, {} of final), {} resident in a run; batch {}, K {} B + V {} B "
      "an element",
      plan_bytes(bytes.logical_peak_bytes), percent(bytes.ratio_of_read),
      percent(bytes.ratio_of_final), plan_bytes(*bytes.resident_peak_bytes), bytes.batch,
      bytes.key_element_bytes, bytes.value_element_bytes);
}

// By count of layers: a config may name more of them than a budget could list.
std::string describe_vanilla_image(const ModelConfig& model) {
  const BudgetExpectation usual;
  const KvShape shape = kv_shape(budget_model_of(model), usual.batch, usual.key_element_bytes,
                                 usual.value_element_bytes);
  const auto bytes = [&](Denominator denominator) {
    return plan_bytes(denominator_bytes(denominator, model.schedule(), model.depth, shape));
  };
  return fmt::format(
      "vanilla cache of an image: logical peak {}, {} resident in a run; K {} B + V {} B an "
      "element",
      bytes(Denominator::read), bytes(Denominator::final), shape.key_element_bytes,
      shape.value_element_bytes);
}

std::string describe_origin(const Budget& budget) {
  if (!budget.rule) return "not stated";
  const BudgetOrigin& origin = *budget.rule;
  std::vector<std::string> parts;
  if (!origin.statistic.empty()) parts.push_back("statistic " + origin.statistic);
  if (origin.ratio) {
    parts.push_back(fmt::format("ratio {}{}", *origin.ratio, origin.of ? " of " + *origin.of : ""));
  }
  if (origin.kv_memory_bytes) {
    parts.push_back(fmt::format("at most {} resident", plan_bytes(*origin.kv_memory_bytes)));
  }
  if (origin.demanding_layers) {
    parts.push_back(fmt::format("{} demanding layers", *origin.demanding_layers));
  }
  if (origin.theta) parts.push_back(fmt::format("θ = {:.4f}", *origin.theta));
  if (!origin.capture_id.empty()) parts.push_back("capture " + short_id(origin.capture_id));
  return parts.empty() ? "not stated" : fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::vector<Fact> facts_of(const CaptureReader& file) {
  const RunRecord& record = file.record();
  const char* article = record.kind == FileKind::analysis ? "an" : "a";
  const std::string samples = file.complete()
                                  ? fmt::format("{} samples", file.committed_samples())
                                  : fmt::format("unfinished, {} of {} samples",
                                                file.committed_samples(), record.settings.samples);
  return {{"what", fmt::format("{}: {} {}, {}; {}", file.path(), article, name_of(record.kind),
                               samples, contents_of(file))},
          {"model", with_weights(describe_model(record.model), record.weights_sha256)},
          {"run", describe_run(record)},
          {"memory", describe_memory(file)},
          {"losses", describe_losses(file)}};
}

std::vector<Fact> facts_of(const Budget& budget, const std::string& path) {
  const BudgetModel& model = budget.model;
  return {{"what", fmt::format("{}: a budget, policy {}", path, budget.policy)},
          {"model", fmt::format("{} layers × {} heads × {} channels, {}", model.depth, model.heads,
                                model.head_dim, scales_of(model.patch_nums))},
          {"chosen", describe_origin(budget)},
          {"layers", describe_layers(kept_tokens(budget, kv_shape(budget)))},
          {"memory", describe_expectation(expectation_of(budget))}};
}

std::vector<Fact> facts_of(const Scores& scores, const std::string& path) {
  std::string lost;
  if (scores.unreadable_images > 0) {
    lost = fmt::format("{} images were missing or broken", scores.unreadable_images);
  }
  if (scores.nonfinite_images > 0) {
    lost += fmt::format("{}{} images had NaN or infinity behind them", lost.empty() ? "" : ", ",
                        scores.nonfinite_images);
  }
  return {{"what", fmt::format("{}: scores of {} images by {} ({})", path, scores.samples,
                               scores.scorer.name, short_id(scores.scorer.sha256))},
          {"model", scores.model},
          {"run", scores.capture_id},
          {"scores", fmt::format("class accuracy {}, demo Fréchet distance {}",
                                 with_interval(scores.class_accuracy, percent),
                                 with_interval(scores.demo_frechet_distance, three_decimals))},
          {"losses", lost.empty() ? "none" : lost}};
}

std::vector<Fact> facts_of(const ForcedAgreement& agreement, const std::string& path) {
  const ForcedFigures& overall = agreement.overall;
  return {
      {"what", fmt::format("{}: teacher-forced agreement of {} with the vanilla cache, {} samples",
                           path, agreement.policy, agreement.samples)},
      {"model", with_weights(agreement.model, agreement.weights_sha256)},
      {"run", fmt::format("{} on {}, batch {}, tokens of {}", agreement.dtype, agreement.device,
                          agreement.batch, agreement.against_capture_id)},
      {"budget", agreement.capture_id.empty() ? "a budget file" : "of run " + agreement.capture_id},
      {"figures",
       fmt::format("KL {} nats, NLL rise {} nats, top-1 agreement {}",
                   with_interval(overall.kl_nats, nats), with_interval(overall.nll_rise_nats, nats),
                   with_interval(overall.top1_agreement, percent))}};
}

std::vector<Fact> facts_of(const TraceReader& trace) {
  std::vector<std::string> rows;
  for (const trace::Table& table : trace::tables()) {
    if (trace.rows(table) > 0) rows.push_back(fmt::format("{} {}", trace.rows(table), table.name));
  }
  std::vector<std::string> lost;
  for (const TraceLoss& loss : trace.losses()) {
    lost.push_back(fmt::format("{} {}: {}{}", loss.lost_rows, loss.table, loss.reason,
                               loss.advice.empty() ? "" : fmt::format(" ({})", loss.advice)));
  }
  const std::vector<std::string>& skipped = trace.skipped();
  return {{"what", fmt::format("{}: a trace{}", trace.path(),
                               trace.complete() ? "" : ", unfinished: what was committed")},
          {"capture", trace.capture_id()},
          {"rows", rows.empty() ? "none" : fmt::format("{}", fmt::join(rows, ", "))},
          {"skipped", skipped.empty() ? "none"
                                      : fmt::format("{}: this version does not know them",
                                                    fmt::join(skipped, ", "))},
          {"losses", lost.empty() ? "none" : fmt::format("{}", fmt::join(lost, "; "))}};
}

std::vector<Fact> facts_of(const ModelConfig& model, const std::string& path) {
  const SamplingDefaults& sampling = model.sampling;
  return {{"what", path + ": a model folder"},
          {"model", describe_model(model)},
          {"draws", fmt::format("{} classes; cfg {}, top-k {}, top-p {} unless told otherwise",
                                model.classes, sampling.cfg, sampling.top_k, sampling.top_p)},
          {"codes", fmt::format("{} of {} channels", model.vocab, model.z_channels)},
          {"memory", describe_vanilla_image(model)}};
}

std::vector<Fact> facts_of_sweep(const nlohmann::json& described) {
  const auto text = [&](const char* key) { return described.at(key).get<std::string>(); };
  const nlohmann::json& settings = described.at("settings");
  constexpr std::size_t most_named = 4;
  const auto cells = described.at("cells").get<std::vector<std::string>>();
  const auto named = static_cast<std::ptrdiff_t>(std::min(most_named, cells.size()));
  std::vector<std::string> names(cells.begin(), cells.begin() + named);
  if (cells.size() > most_named) names.push_back(fmt::format("{} more", cells.size() - most_named));
  const std::size_t problems = described.at("problems").size();
  return {{"what", fmt::format("{}: results of a sweep, {} cells", text("file"), cells.size())},
          {"model", with_weights(text("model"), text("weights_sha256"))},
          {"run", fmt::format("{} samples a cell, batch {}, {} on {}, seed {}",
                              settings.value("samples", 0), settings.value("batch", 0),
                              settings.value("dtype", ""), settings.value("device", ""),
                              settings.value("seed", std::uint64_t{0}))},
          {"cells", fmt::format("{}", fmt::join(names, ", "))},
          {"losses", problems == 0 ? "none" : fmt::format("{} problems, see --all", problems)}};
}

bool has_statistics(const CaptureReader& file, Part part) {
  return file.committed_samples() > 0 && file.layout().has(part);
}

std::string to_text(const std::vector<Fact>& facts, int columns) {
  std::size_t width = 0;
  for (const Fact& fact : facts) width = std::max(width, character_count(fact.name));
  std::string text;
  for (const Fact& fact : facts) {
    text += wrap_text(padded(fact.name, width, false) + "  " + fact.text, columns);
  }
  return text;
}

}  // namespace kvscope::cli
