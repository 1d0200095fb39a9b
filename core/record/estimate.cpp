#include "core/record/estimate.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/json_fields.h"

namespace kvscope {
namespace {

nlohmann::json number_or_null(double value) {
  return std::isnan(value) ? nlohmann::json() : nlohmann::json(value);
}

}  // namespace

nlohmann::json to_json(const Estimate& estimate) {
  return {{"value", number_or_null(estimate.value)},
          {"low", number_or_null(estimate.low)},
          {"high", number_or_null(estimate.high)}};
}

double parse_figure(JsonFields& fields, const char* key, double smallest, double largest) {
  const std::optional<double> value = fields.number_or_null(key);
  if (!value) return std::numeric_limits<double>::quiet_NaN();
  if (!(*value >= smallest && *value <= largest)) {
    fields.fail(key, fmt::format("from {} to {}", smallest, largest), fmt::to_string(*value));
  }
  return *value;
}

Estimate parse_estimate(JsonFields fields, double smallest, double largest) {
  const auto figure = [&](const char* key) { return parse_figure(fields, key, smallest, largest); };
  const Estimate estimate{figure("value"), figure("low"), figure("high")};
  fields.refuse_unknown();
  if (estimate.low > estimate.high) {
    fields.fail("low", "at most high", fmt::to_string(estimate.low));
  }
  return estimate;
}

nlohmann::json to_json(const BootstrapOptions& options) {
  return {
      {"resamples", options.resamples}, {"confidence", options.confidence}, {"seed", options.seed}};
}

BootstrapOptions parse_bootstrap(JsonFields fields) {
  BootstrapOptions options;
  const std::int64_t resamples = fields.integer("resamples", 1);
  if (resamples > std::numeric_limits<int>::max()) {
    fields.fail("resamples", "below 2^31", fmt::to_string(resamples));
  }
  options.resamples = static_cast<int>(resamples);
  options.confidence = fields.number("confidence");
  if (!(options.confidence > 0 && options.confidence < 1)) {
    fields.fail("confidence", "between 0 and 1", fmt::to_string(options.confidence));
  }
  options.seed = fields.unsigned_integer("seed");
  fields.refuse_unknown();
  return options;
}

}  // namespace kvscope
