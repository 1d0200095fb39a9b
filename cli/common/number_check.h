#pragma once

#include <CLI/CLI.hpp>

namespace kvscope::cli {

/// For an option that takes a finite number of `smallest` or more.
CLI::Validator at_least(int smallest);

/// For a seed, any std::uint64_t: CLI11 itself takes -1 and 2^64 for 2^64 − 1.
CLI::Validator seed_number();

}  // namespace kvscope::cli
