#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kvscope::cli {

/// One subcommand. `define` declares its options on `app` and returns what runs once they are
/// parsed; that function returns the exit code.
struct Command {
  std::string name;
  std::string summary;
  std::function<std::function<int()>(CLI::App& app)> define;
};

/// Parses the command line, runs the subcommand it names and turns every exception into one line on
/// stderr and an exit code (see core/base/error.h). `others` are subcommands of another program
/// that the help lists and near-miss suggestions know; asking for one calls `delegate` with its
/// name.
struct Program {
  std::string name;
  std::string description;
  std::vector<Command> commands;
  std::vector<Command> others;
  std::function<int(const std::string& command, char** argv)> delegate;
};

int run_program(const Program& program, int argc, char** argv);

}  // namespace kvscope::cli
