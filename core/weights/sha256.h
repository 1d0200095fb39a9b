#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace kvscope {

/// SHA-256 (FIPS 180-4) as 64 lower-case hex digits.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace kvscope
