#include "core/record/forced_agreement.h"

#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/json_fields.h"
#include "core/budget/budget.h"

namespace kvscope {
namespace {

constexpr double unbounded = std::numeric_limits<double>::max();

nlohmann::json to_json(const ForcedFigures& figures) {
  return {{"kl_nats", to_json(figures.kl_nats)},
          {"nll_nats", to_json(figures.nll_nats)},
          {"nll_rise_nats", to_json(figures.nll_rise_nats)},
          {"top1_agreement", to_json(figures.top1_agreement)}};
}

ForcedFigures parse_figures(JsonFields fields) {
  // Rounding can leave a divergence of equal distributions just below zero.
  ForcedFigures figures{parse_estimate(fields.object("kl_nats"), -1e-6, unbounded),
                        parse_estimate(fields.object("nll_nats"), 0, unbounded),
                        parse_estimate(fields.object("nll_rise_nats"), -unbounded, unbounded),
                        parse_estimate(fields.object("top1_agreement"), 0, 1)};
  fields.refuse_unknown();
  return figures;
}

}  // namespace

nlohmann::json to_json(const ForcedAgreement& agreement) {
  nlohmann::json scales = nlohmann::json::array();
  for (const ForcedFigures& figures : agreement.scales) scales.push_back(to_json(figures));
  return {{"schema", forced_schema},
          {"against_capture_id", agreement.against_capture_id},
          {"capture_id", agreement.capture_id},
          {"model", agreement.model},
          {"weights_sha256", agreement.weights_sha256},
          {"policy", agreement.policy},
          {"dtype", agreement.dtype},
          {"device", agreement.device},
          {"batch", agreement.batch},
          {"samples", agreement.samples},
          {"bootstrap", to_json(agreement.bootstrap)},
          {"overall", to_json(agreement.overall)},
          {"scales", std::move(scales)}};
}

ForcedAgreement load_forced_agreement(const std::string& path) {
  const nlohmann::json json = read_json_file(path, "forced");
  JsonFields fields(json, "forced", path);
  fields.check_schema(forced_schema);
  ForcedAgreement agreement;
  agreement.against_capture_id = fields.text("against_capture_id");
  agreement.capture_id = fields.text("capture_id");
  agreement.model = fields.text("model");
  agreement.weights_sha256 = fields.text("weights_sha256");
  agreement.policy = fields.text("policy");
  agreement.dtype = fields.text("dtype");
  agreement.device = fields.text("device");
  const std::int64_t batch = fields.integer("batch", 1);
  if (batch > largest_batch) {
    fields.fail("batch", fmt::format("at most {}", largest_batch), fmt::to_string(batch));
  }
  agreement.batch = static_cast<int>(batch);
  agreement.samples = fields.integer("samples", 1);
  agreement.bootstrap = parse_bootstrap(fields.object("bootstrap"));
  agreement.overall = parse_figures(fields.object("overall"));
  for (std::size_t scale = 0; scale < fields.array("scales").size(); ++scale) {
    agreement.scales.push_back(parse_figures(fields.element("scales", scale)));
  }
  fields.refuse_unknown();
  return agreement;
}

std::string forced_path(const std::string& path) { return path + ".forced.json"; }

}  // namespace kvscope
