#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/common/command.h"
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

// Help for these is listed here; the engine parses them itself.
Command engine_command(std::string name, std::string summary) {
  return {.name = std::move(name), .summary = std::move(summary), .define = {}};
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
      .others = {engine_command("capture", "Run the model, keep K and V, attention mass, timings"),
                 engine_command("analyze", "Compute inter-scale similarity from captures"),
                 engine_command("run", "Generate under a budget: images, tokens, timings, ledger"),
                 engine_command("score",
                                "Judge demo images, or a budget on a vanilla run's tokens"),
                 engine_command("sweep", "Run and score budgets of many ratios and statistics")},
      .delegate = start_engine};
  return run_program(program, argc, argv);
}
