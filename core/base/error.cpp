#include "core/base/error.h"

#include <algorithm>

#include <fmt/format.h>

namespace kvscope {
namespace {

// Names and values out of damaged files may hold line breaks and escape sequences.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F; }, '?');
  return text;
}

}  // namespace

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::failure:
      return 1;
    case ErrorKind::usage:
      return 2;
    case ErrorKind::bad_input:
      return 3;
    case ErrorKind::out_of_memory:
      return 4;
    case ErrorKind::data_lost:
      return 5;
    case ErrorKind::interrupted:
      return 130;
  }
  return 1;
}

Error::Error(const std::string& message, ErrorKind kind)
    : std::runtime_error(one_line(message)), kind_(kind) {}

BadInput::BadInput(std::string_view where, std::string_view path, std::string_view expected,
                   std::string_view got)
    : Error(fmt::format("[{}] {}: expected {}, got {}", where, path, expected, got),
            ErrorKind::bad_input) {}

UsageError::UsageError(const std::string& message) : Error(message, ErrorKind::usage) {}

Interrupted::Interrupted(std::string_view rest)
    : Error(fmt::format("interrupted{}{}", rest.empty() ? "" : ": ", rest),
            ErrorKind::interrupted) {}

}  // namespace kvscope
