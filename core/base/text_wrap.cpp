#include "core/base/text_wrap.h"

#include <algorithm>

#include "core/base/table.h"

namespace kvscope {
namespace {

int width_of(std::string_view text) { return static_cast<int>(character_count(text)); }

/// Where the text of a line begins, in characters; see wrap_text.
int text_start(std::string_view line) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t gap = line.find("  ", indent);
  const std::size_t after = gap == std::string_view::npos ? gap : line.find_first_not_of(' ', gap);
  return width_of(line.substr(0, after == std::string_view::npos ? indent : after));
}

/// Whether a line may end before the space at `at`: "37.6 %" stays together.
bool may_break(std::string_view line, std::size_t at) {
  return line[at] == ' ' && line.substr(at + 1, 1) != "%";
}

/// The part of `line` that fits into `columns`, no shorter than `start` and one word.
std::size_t fitting(std::string_view line, int start, int columns) {
  std::size_t end = std::string_view::npos;
  int width = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const bool in_text = width > start;
    if (in_text && may_break(line, at)) {
      if (width > columns) return std::min(end, at);
      end = at;
    }
    width += (static_cast<unsigned char>(line[at]) & 0xC0U) != 0x80U ? 1 : 0;
  }
  return width <= columns ? line.size() : std::min(end, line.size());
}

std::string wrap_line(std::string line, int start, int columns) {
  const std::string indent(static_cast<std::size_t>(start), ' ');
  std::string text;
  while (true) {
    const std::size_t end = fitting(line, start, columns);
    text += line.substr(0, line.find_last_not_of(' ', end == 0 ? 0 : end - 1) + 1) + '\n';
    const std::size_t next = line.find_first_not_of(' ', end);
    if (end >= line.size() || next == std::string::npos) return text;
    line = indent + line.substr(next);
  }
}

}  // namespace

std::vector<std::string> wrapped_lines(std::string_view text, int columns) {
  std::vector<std::string> lines;
  const std::string wrapped = wrap_line(std::string(text), 0, columns);
  for (std::size_t at = 0; at < wrapped.size();) {
    const std::size_t end = wrapped.find('\n', at);
    lines.push_back(wrapped.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string wrap_text(std::string_view text, int columns) {
  std::string wrapped;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    // Under a long name there would be no room.
    const int start = text_start(line);
    wrapped += wrap_line(std::string(line), start <= columns / 2 ? start : 0, columns);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return wrapped;
}

std::string wrap_beside(std::string_view names, std::string_view text, int names_indent, int left,
                        int columns) {
  const auto room = static_cast<std::size_t>(left);
  // One space at least in front of the text.
  const bool beside = character_count(names) < room;
  const std::string below = beside ? "" : wrap_line(std::string(names), names_indent, columns);
  if (text.empty()) return beside ? std::string(names) + '\n' : below;
  return below +
         wrap_line(padded(beside ? std::string(names) : "", room, false) + std::string(text), left,
                   columns);
}

}  // namespace kvscope
