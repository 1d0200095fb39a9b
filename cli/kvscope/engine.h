#pragma once

#include <string>

namespace kvscope::cli {

/// Path of the engine, which lies beside this program.
std::string engine_path();

/// What keeps the engine from starting and what to do about it.
struct EngineFault {
  std::string what;
  std::string remedy;
};

/// In words, after starting the engine at `path` failed with the errno `failure`.
EngineFault engine_fault(const std::string& path, int failure);

/// Throws Error when the working directory is gone: the engine would compute first, and its
/// libraries end the process later.
void check_working_folder();

}  // namespace kvscope::cli
