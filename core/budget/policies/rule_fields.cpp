#include "core/budget/policies/rule_fields.h"

#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace kvscope {
namespace {

std::string range(int smallest, int largest) {
  return fmt::format("a whole number from {} to {}", smallest, largest);
}

}  // namespace

int integer_between(JsonFields& fields, std::string_view key, int smallest, int largest) {
  const std::int64_t value = fields.integer(key, smallest);
  if (value > largest) fields.fail(key, range(smallest, largest), fmt::to_string(value));
  return static_cast<int>(value);
}

std::optional<RuleProblem> problem_of_scales(std::string_view field, int scales,
                                             const ScaleSchedule& schedule) {
  if (scales >= 0 && scales <= schedule.scales()) return std::nullopt;
  return RuleProblem{std::string(field), range(0, schedule.scales()), fmt::to_string(scales)};
}

}  // namespace kvscope
