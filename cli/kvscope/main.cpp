#include <cerrno>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/common/command.h"
#include "cli/common/engine_summaries.h"
#include "cli/common/thread_waiting.h"
#include "cli/kvscope/commands.h"
#include "cli/kvscope/engine.h"
#include "core/base/error.h"

namespace kvscope::cli {
namespace {

int start_engine(const std::string& command, char** argv) {
  check_working_folder();
  const std::string engine = engine_path();
  execv(engine.c_str(), argv);
  const EngineFault fault = engine_fault(engine, errno);
  throw Error(fmt::format("'{}' runs the model, but {} ({}; see 'kvscope doctor')", command,
                          fault.what, fault.remedy));
}

// The engine parses their options itself.
std::vector<Command> commands_of_engine() {
  std::vector<Command> commands;
  for (const CommandSummary& entry : engine_summaries) {
    commands.push_back({.name = std::string(entry.name), .summary = entry.summary, .define = {}});
  }
  return commands;
}

}  // namespace
}  // namespace kvscope::cli

int main(int argc, char** argv) {
  using namespace kvscope::cli;
  // For the engine, which this program may become or ask.
  let_waiting_threads_sleep();
  const Program program = {
      .name = "kvscope",
      .description = "Profiles, plans and proves the KV cache of visual autoregressive models.",
      .commands = kvscope_commands(),
      .others = commands_of_engine(),
      .delegate = start_engine};
  return run_program(program, argc, argv);
}
