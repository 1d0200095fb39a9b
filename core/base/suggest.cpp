#include "core/base/suggest.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates,
                    bool surely) {
  std::string best;
  std::size_t best_distance = (surely ? 2 : std::max<std::size_t>(2, word.size() / 3)) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string with_suggestion(std::string message, std::string_view word,
                            const std::vector<std::string>& candidates) {
  std::vector<std::string> meant;
  if (std::string near = nearest(word, candidates); !near.empty()) {
    meant.push_back(std::move(near));
  } else if (word.size() > 2) {
    std::ranges::copy_if(candidates, std::back_inserter(meant),
                         [word](std::string_view known) { return known.starts_with(word); });
  }
  if (!meant.empty()) message += fmt::format("; did you mean '{}'?", fmt::join(meant, "' or '"));
  return message;
}

void check_known(std::string_view option, std::string_view word,
                 const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), word) != known.end()) return;
  throw UsageError(with_suggestion(
      fmt::format("{}: expected one of {}, got '{}'", option, fmt::join(known, ", "), word), word,
      known));
}

}  // namespace kvscope
