#pragma once

#include <cstdint>
#include <string>

namespace kvscope {

/// "1.50 MiB": three significant digits in binary units.
std::string format_bytes(std::int64_t bytes);

/// "12.3 ms": three significant digits in the unit that fits.
std::string format_ns(double ns);

/// Parses "1500", "64MiB", "2GiB", "1.5GB" into bytes. Throws UsageError naming `option`.
std::int64_t parse_bytes(const std::string& text, const std::string& option);

}  // namespace kvscope
