#include "cli/common/thread_option.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace kvscope::cli {
namespace {

constexpr int threads_a_processor = 4;

int processors() { return static_cast<int>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L)); }

std::string problem_of(const std::string& text) {
  const int most = threads_a_processor * processors();
  int threads = 0;
  if (CLI::detail::lexical_cast(text, threads) && threads >= 0 && threads <= most) return "";
  return fmt::format("expected 0 (all) to {} threads, {} for each of {} processors, got {}", most,
                     threads_a_processor, processors(), text);
}

}  // namespace

void add_threads_option(CLI::App& app, int& threads) {
  app.add_option("--threads", threads, "CPU threads, 0: all")
      ->check(CLI::Validator(problem_of, ""))
      ->capture_default_str();
}

}  // namespace kvscope::cli
