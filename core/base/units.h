#pragma once

#include <cstdint>
#include <string>

namespace kvscope {

/// "1.50 MiB": so many significant digits in binary units, at least those before the point.
std::string format_bytes(std::int64_t bytes, int digits = 3);

/// "12.3 ms": three significant digits in the unit that fits.
std::string format_ns(double ns);

/// Parses "64MiB", "24 gib", "1.5GB" or "1500 B" into bytes, in letters of either case. K, M, G and
/// T alone are binary and "GB" is decimal, as in the tools of GNU and the options of container
/// runtimes. Throws UsageError naming `option`, also for a number without a unit.
std::int64_t parse_bytes(const std::string& text, const std::string& option);

}  // namespace kvscope
