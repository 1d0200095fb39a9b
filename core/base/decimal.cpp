#include "core/base/decimal.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <type_traits>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

template <typename Number>
std::string text_of(Number value) {
  if constexpr (std::is_same_v<Number, std::uint64_t>) {
    if (value == std::numeric_limits<Number>::max()) return "2^64 − 1";
  }
  return fmt::to_string(value);
}

}  // namespace

template <typename Number>
std::optional<Number> parse_decimal(std::string_view text) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  return value;
}

template <typename Number>
std::string name_of(const NumberRange<Number>& range) {
  constexpr NumberRange<Number> all;
  const std::string kind = std::is_floating_point_v<Number> ? "a number" : "a whole number";
  const bool bounded_below = range.smallest > all.smallest || std::is_unsigned_v<Number>;
  const bool bounded_above =
      range.largest < all.largest || (std::is_unsigned_v<Number> && bounded_below);
  if (bounded_below && bounded_above) {
    return fmt::format("{} from {} to {}", kind, text_of(range.smallest), text_of(range.largest));
  }
  if (bounded_below) return fmt::format("{} of at least {}", kind, text_of(range.smallest));
  if (bounded_above) return fmt::format("{} of at most {}", kind, text_of(range.largest));
  return kind;
}

template <typename Number>
Number decimal_in(const NumberRange<Number>& range, std::string_view text,
                  std::string_view option) {
  const std::optional<Number> value = parse_decimal<Number>(text);
  if (value && *value >= range.smallest && *value <= range.largest) return *value;
  throw UsageError(fmt::format("{}: expected {}, got '{}'", option, name_of(range), text));
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

#define KVSCOPE_DECIMAL(Number)                                   \
  template std::optional<Number> parse_decimal(std::string_view); \
  template std::string name_of(const NumberRange<Number>&);       \
  template Number decimal_in(const NumberRange<Number>&, std::string_view, std::string_view);
KVSCOPE_DECIMAL(int)
KVSCOPE_DECIMAL(std::int64_t)
KVSCOPE_DECIMAL(std::uint64_t)
KVSCOPE_DECIMAL(double)
#undef KVSCOPE_DECIMAL

}  // namespace kvscope
