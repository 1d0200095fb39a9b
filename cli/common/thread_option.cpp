#include "cli/common/thread_option.h"

#include <algorithm>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/common/value_options.h"
#include "core/base/error.h"
#include "core/base/option_names.h"

namespace kvscope::cli {
namespace {

constexpr int threads_a_processor = 4;

int processors() { return static_cast<int>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L)); }

}  // namespace

void add_threads_option(CLI::App& app, int& threads) {
  add_value(
      app, option::threads, "CPU threads, 0: all", type_of<int>(false),
      [&threads](std::string_view text, std::string_view option) {
        const int most = threads_a_processor * processors();
        const std::optional<int> given = parse_decimal<int>(text);
        if (!given || *given < 0 || *given > most) {
          throw UsageError(fmt::format(
              "{}: expected 0 (all) to {} threads, {} for each of {} processors, got {}", option,
              most, threads_a_processor, processors(), text));
        }
        threads = *given;
      },
      [&threads] { return std::to_string(threads); });
}

}  // namespace kvscope::cli
