#include "cli/kvscope/engine.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope::cli {

std::string engine_path() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "kvscope-engine")
      .string();
}

EngineFault engine_fault(const std::string& path, int failure) {
  std::error_code ignored;
  if (failure == ENOENT && !std::filesystem::exists(path, ignored)) {
    return {fmt::format("{} was not built: this build has no LibTorch", path),
            "run scripts/setup.sh and build again: it brings the torch wheel"};
  }
  if (failure == EACCES) return {path + " is not executable", "chmod +x " + path};
  return {fmt::format("{} does not start: {}", path, std::strerror(failure)),
          "build again on this machine"};
}

void check_working_folder() {
  std::error_code failure;
  (void)std::filesystem::current_path(failure);
  if (!failure) return;
  throw Error(fmt::format(
      "[output] current folder: expected one that is there, got '{}' (change to another one)",
      failure.message()));
}

}  // namespace kvscope::cli
