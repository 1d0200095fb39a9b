#pragma once

#include <limits>

#include <nlohmann/json_fwd.hpp>

#include "core/base/bootstrap.h"

namespace kvscope {

class JsonFields;

/// A figure and its interval; NaN where it is not known.
struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

/// value, low and high; null where one is not known.
nlohmann::json to_json(const Estimate& estimate);

/// Reads what to_json wrote. Throws BadInput for a figure outside [smallest, largest] and for an
/// interval whose ends are in the wrong order.
Estimate parse_estimate(JsonFields fields, double smallest, double largest);

/// How intervals were made: resamples, confidence and seed.
nlohmann::json to_json(const BootstrapOptions& options);

/// Throws BadInput naming the field.
BootstrapOptions parse_bootstrap(JsonFields fields);

/// One figure, null as NaN. Throws BadInput outside [smallest, largest].
double parse_figure(JsonFields& fields, const char* key, double smallest, double largest);

}  // namespace kvscope
