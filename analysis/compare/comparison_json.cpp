#include <nlohmann/json.hpp>

#include "analysis/compare/comparison_tables.h"
#include "analysis/compare/file_forced.h"
#include "analysis/compare/file_scores.h"

namespace kvscope {
namespace {

using Json = nlohmann::json;

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json shape_json(const KvShape& shape) {
  return {{"heads", shape.heads},
          {"head_dim", shape.head_dim},
          {"rows", shape.rows},
          {"key_element_bytes", shape.key_element_bytes},
          {"value_element_bytes", shape.value_element_bytes}};
}

Json memory_json(const MemoryFigures& memory) {
  return {{"shape", shape_json(memory.shape)},
          {"logical_bytes", memory.logical_bytes},
          {"resident_bytes", memory.resident_bytes},
          {"transient_bytes", memory.transient_bytes},
          {"logical_peak_bytes", memory.logical_peak_bytes},
          {"resident_peak_bytes", memory.resident_peak_bytes},
          {"transient_peak_bytes", memory.transient_peak_bytes},
          {"planned_peak_bytes", memory.planned_peak_bytes},
          {"change_of_read", memory.change_of_read},
          {"change_of_final", memory.change_of_final},
          {"resident_change_of_read", memory.resident_change_of_read},
          {"resident_change_of_final", memory.resident_change_of_final},
          {"process_peak_rss_bytes", memory.process_peak_rss_bytes},
          {"allocator_peak_bytes", memory.allocator_peak_bytes}};
}

Json spread_json(const Spread& ns) {
  return {{"median_ns", ns.median},
          {"lower_quartile_ns", ns.lower_quartile},
          {"upper_quartile_ns", ns.upper_quartile},
          {"count", ns.count}};
}

Json spreads_json(const std::vector<Spread>& spreads) {
  Json json = Json::array();
  for (const Spread& ns : spreads) json.push_back(spread_json(ns));
  return json;
}

Json module_json(const ModuleTime& module) {
  Json json = spread_json(module.ns);
  json["by_scale"] = spreads_json(module.by_scale_ns);
  json["by_layer"] = spreads_json(module.by_layer_ns);
  return json;
}

Json time_json(const Comparable<TimeFigures>& time) {
  if (!time) return {{"not_available", time.reason}};
  Json modules = Json::object();
  for (const ModuleTime& module : time->modules) modules[module.name] = module_json(module);
  return {{"modules", modules},
          {"controls", time->control_ns ? spread_json(*time->control_ns) : Json()},
          {"image", spread_json(time->image_ns)},
          {"first_pass_excluded", time->first_pass_excluded}};
}

Json controls_json(const std::optional<ControlCheck>& controls) {
  if (!controls) return {};
  return {{"ratio", controls->ratio.value},
          {"tolerance", controls->tolerance},
          {"moved", controls->moved}};
}

Json latency_json(const ComparedFile& baseline, const ComparedFile& file) {
  if (!file.latency_reason.empty()) return {{"not_comparable", file.latency_reason}};
  if (!baseline.time) return {{"not_comparable", baseline.time.reason}};
  if (!file.time) return {{"not_comparable", file.time.reason}};
  Json ratios = Json::object();
  Json differences = Json::object();
  for (const ModuleTime& module : file.time->modules) {
    const ModuleTime* before = baseline.time->find(module.name);
    if (!before) continue;
    if (const std::optional<SpreadRatio> ratio = ratio_of(before->ns, module.ns)) {
      ratios[module.name] = ratio->value;
      differences[module.name] = name_of(ratio->difference);
    }
  }
  const std::optional<SpreadRatio> image = ratio_of(baseline.time->image_ns, file.time->image_ns);
  return {{"module_ratio", ratios},
          {"module_difference", differences},
          {"image_ratio", image ? Json(image->value) : Json()},
          {"image_difference", image ? Json(name_of(image->difference)) : Json()},
          {"controls", controls_json(file.controls)}};
}

Json tokens_json(const Comparable<TokenAgreement>& tokens) {
  if (!tokens) return {{"not_comparable", tokens.reason}};
  return {{"samples", tokens->samples},
          {"equal_by_scale", tokens->by_scale},
          {"equal", tokens->overall}};
}

Json images_json(const Comparable<ImageFidelity>& images) {
  if (!images) return {{"not_comparable", images.reason}};
  Json each = Json::array();
  for (const ImageScore& image : images->images) {
    each.push_back({{"sample", image.sample},
                    {"identical", !image.psnr_db.has_value()},
                    {"psnr_db", optional_number(image.psnr_db)},
                    {"ssim", optional_number(image.ssim)}});
  }
  return {{"compared", images->images.size()},
          {"identical", images->identical},
          {"unreadable", images->unreadable},
          {"nonfinite", images->nonfinite},
          {"psnr_mean_db", optional_number(images->psnr_mean_db)},
          {"psnr_median_db", optional_number(images->psnr_median_db)},
          {"ssim_mean", optional_number(images->ssim_mean)},
          {"images", each}};
}

Json file_json(const ComparedFile& file) {
  return {{"path", file.path},
          {"name", file.name},
          {"kind", file.kind},
          {"capture_id", file.capture_id},
          {"policy", file.policy},
          {"dtype", file.dtype},
          {"device", file.device},
          {"device_name", file.device_name},
          {"batch", file.batch},
          {"samples", file.samples},
          {"memory", memory_json(file.memory)},
          {"time", time_json(file.time)},
          {"scores", to_json(file.scores)}};
}

}  // namespace

Json to_json(const Comparison& comparison) {
  Json json = {{"schema", "kvscope.comparison/1"},
               {"model", to_json(comparison.model)},
               {"shape", shape_json(comparison.shape)},
               {"read_bytes", comparison.read_bytes},
               {"final_bytes", comparison.final_bytes},
               {"vanilla_change_of_final", comparison.vanilla_change_of_final},
               {"files", Json::array()},
               {"settings_that_differ", Json::object()},
               {"problems", Json::array()},
               {"not_comparable", Json::array()}};
  const ComparedFile& baseline = comparison.files.front();
  for (const ComparedFile& file : comparison.files) {
    Json entry = file_json(file);
    if (&file != &baseline) {
      entry["against_baseline"] = {{"latency", latency_json(baseline, file)},
                                   {"tokens", tokens_json(file.tokens)},
                                   {"teacher_forced", to_json(file.forced)},
                                   {"images", images_json(file.images)}};
    }
    json["files"].push_back(std::move(entry));
  }
  for (const SettingDifference& setting : comparison.settings) {
    json["settings_that_differ"][setting.field] = setting.values;
  }
  for (const DataProblem& problem : comparison.problems) {
    json["problems"].push_back(
        {{"file", problem.file}, {"what", problem.what}, {"advice", problem.advice}});
  }
  for (const NotComparable& item : comparison.not_comparable) {
    json["not_comparable"].push_back(
        {{"files", item.file}, {"what", item.what}, {"why", item.why}});
  }
  return json;
}

}  // namespace kvscope
