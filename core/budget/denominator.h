#pragma once

#include <array>
#include <string_view>

namespace kvscope {

/// What a reduction is measured against.
enum class Denominator {
  read,   ///< vanilla's own logical peak: the last scale is never read, so it is not held
  final,  ///< all tokens of all layers: what the official code holds at the end
};

/// As options, budgets and pages call them.
inline constexpr std::array<std::string_view, 2> denominator_names = {"read", "final"};

constexpr std::string_view name_of(Denominator denominator) {
  return denominator_names[static_cast<std::size_t>(denominator)];
}

/// The one called `name`, which must be among denominator_names.
constexpr Denominator denominator_called(std::string_view name) {
  return name == name_of(Denominator::read) ? Denominator::read : Denominator::final;
}

}  // namespace kvscope
