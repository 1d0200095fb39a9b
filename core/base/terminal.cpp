#include "core/base/terminal.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <system_error>

#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/table.h"

namespace kvscope {
namespace {

constexpr int usual_columns = 80;
constexpr int fewest_text_columns = 40;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Columns of the terminal on `descriptor`, or COLUMNS, or `otherwise`.
int columns_of(int descriptor, int otherwise) {
  winsize size = {};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string_view text = variable("COLUMNS");
  int columns = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), columns);
  return failure == std::errc() && columns > 0 ? columns : otherwise;
}

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

}  // namespace

bool is_drawable_terminal() {
  const std::string_view kind = variable("TERM");
  return isatty(STDERR_FILENO) == 1 && !kind.empty() && kind != "dumb";
}

bool is_coloured_terminal() { return is_drawable_terminal() && variable("NO_COLOR").empty(); }

int terminal_columns() { return columns_of(STDERR_FILENO, usual_columns); }

int text_columns() {
  return std::max(fewest_text_columns, columns_of(STDOUT_FILENO, usual_text_columns));
}

std::string cut_to_columns(std::string_view text, int columns) {
  const auto room = static_cast<std::size_t>(columns > 0 ? columns : 0);
  if (character_count(text) <= room) return std::string(text);
  if (room == 0) return "";
  std::size_t end = 0;
  // The last column is the ellipsis'.
  for (std::size_t characters = 0; end < text.size(); ++end) {
    if (begins_character(text[end]) && ++characters == room) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace kvscope
