#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvscope {

/// The number that the whole of `text` is in decimal, or nothing: for "0x10", "1e3" as a whole
/// number, "nan", "inf", " 1", "+1", "1,", "" and what Number cannot hold. "010" is ten. Number is
/// int, std::int64_t, std::uint64_t or double.
template <typename Number>
std::optional<Number> parse_decimal(std::string_view text);

/// The numbers that an option takes, both ends included.
template <typename Number>
struct NumberRange {
  Number smallest = std::numeric_limits<Number>::lowest();
  Number largest = std::numeric_limits<Number>::max();
};

/// "a whole number from 1 to 64", "a number of at least 0".
template <typename Number>
std::string name_of(const NumberRange<Number>& range);

/// The number of `text`. Throws UsageError naming `option`, the range and the text.
template <typename Number>
Number decimal_in(const NumberRange<Number>& range, std::string_view text, std::string_view option);

/// The elements between the commas: "1,,2" → "1", "", "2". The caller refuses empty ones. "" has
/// one element.
std::vector<std::string_view> split_list(std::string_view text);

}  // namespace kvscope
