#include "core/base/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "core/base/table.h"
#include "core/base/terminal.h"

namespace kvscope {
namespace {

using namespace std::chrono_literals;

constexpr auto silent_for = 1s;
constexpr auto between_redraws = 100ms;
constexpr auto between_lines = 5s;
constexpr int bar_columns = 24;

std::string format_seconds(double seconds) {
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  return fmt::format("{}:{:02} min", whole / 60, whole % 60);
}

}  // namespace

Progress::Progress(std::string title, std::int64_t total, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(is_drawable_terminal()),
      start_(Clock::now()),
      last_drawn_(start_) {}

Progress::~Progress() {
  if (drawn_) draw(true);
}

void Progress::advance(std::int64_t items) {
  done_ += items;
  const Clock::time_point now = Clock::now();
  if (now - start_ < silent_for) return;
  const bool due = now - last_drawn_ >=
                   (terminal_ ? Clock::duration(between_redraws) : Clock::duration(between_lines));
  if (due || !drawn_) draw(false);
}

void Progress::skip(std::int64_t items) {
  done_ += items;
  skipped_ += items;
}

// A closed or full stderr must not end the job, as fmt::print would: what it loses is only a bar.
void Progress::draw(bool last) {
  drawn_ = true;
  last_drawn_ = Clock::now();
  const double seconds = std::chrono::duration<double>(last_drawn_ - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_ - skipped_) / seconds : 0;
  std::string line = fmt::format("{}: {}/{} {}, {:.3g}/s", title_, done_, total_, unit_, rate);
  if (last) {
    line += fmt::format(", {}", format_seconds(seconds));
  } else if (rate > 0) {
    line += fmt::format(", {} left", format_seconds(static_cast<double>(total_ - done_) / rate));
  }
  if (!terminal_) {
    std::fputs((line + '\n').c_str(), stderr);
    return;
  }
  const std::int64_t filled = total_ > 0 ? std::min(done_, total_) * bar_columns / total_ : 0;
  const std::string bar = fmt::format("[{:#<{}}{:.<{}}] ", "", filled, "", bar_columns - filled);
  // A line that wraps would leave its first part behind at every redraw. In the last column some
  // terminals wrap already.
  const int room = terminal_columns() - 1;
  line = character_count(bar + line) <= static_cast<std::size_t>(room) ? bar + line
                                                                       : cut_to_columns(line, room);
  std::fputs(fmt::format("\r\x1b[2K{}{}", line, last ? "\n" : "").c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace kvscope
