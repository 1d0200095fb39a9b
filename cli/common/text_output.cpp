#include "cli/common/text_output.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope::cli {

void check_new_output(std::string_view command, const std::string& path, bool force) {
  if (!force && std::filesystem::exists(path)) {
    throw Error(
        fmt::format("[{}] {}: expected no file there, got one (use --force)", command, path));
  }
}

void write_text_output(std::string_view command, const std::string& path, std::string_view text) {
  std::ofstream stream(path, std::ios::binary);
  stream << text << std::flush;
  if (!stream) throw Error(fmt::format("[{}] {}: expected a writable path", command, path));
}

}  // namespace kvscope::cli
