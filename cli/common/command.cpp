#include "cli/common/command.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/common/help_formatter.h"
#include "cli/common/value_options.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/suggest.h"
#include "core/base/terminal.h"
#include "core/base/text_wrap.h"
#include "core/base/version.h"

namespace kvscope::cli {
namespace {

std::string usage(const Program& program) {
  std::string text = fmt::format("{}\n\nUsage: {} COMMAND [OPTIONS]\n\nCommands:\n",
                                 program.description, program.name);
  const auto list = [&text](const std::vector<Command>& commands) {
    for (const Command& command : commands) {
      text += fmt::format("  {:<10}{}\n", command.name, command.summary);
    }
  };
  list(program.others);
  list(program.commands);
  text += fmt::format("\n'{} COMMAND --help' shows the options of a command.\n", program.name);
  return wrap_text(text, text_columns());
}

const Command* find(const std::vector<Command>& commands, std::string_view name) {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [name](const Command& command) { return command.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

// CLI11 names an unknown option without saying which one was probably meant.
[[noreturn]] void throw_unknown_argument(const CLI::App& app) {
  const std::vector<std::string> unknown = app.remaining();
  const std::string word = unknown.front().substr(0, unknown.front().find('='));
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  throw UsageError(with_suggestion(fmt::format("unknown argument '{}'", word), word, known));
}

// CLI11 would take the next argument for the value that is missing here.
void refuse_empty_values(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("--") || argument.find('=') != argument.size() - 1) continue;
    throw UsageError(fmt::format("{}: expected a value, got an empty one",
                                 argument.substr(0, argument.size() - 1)));
  }
}

int run_command(const Program& program, const Command& command, int argc, char** argv) {
  CLI::App app(command.summary, fmt::format("kvscope {}", command.name));
  app.formatter(std::make_shared<HelpFormatter>(text_columns()));
  app.allow_extras();
  const std::function<int()> run = command.define(app);
  refuse_lax_options(app);
  const auto refuse = [&](const char* mistake) {
    // A mistyped option also makes a required one look missing: name the mistyped one.
    if (app.remaining_size() > 0) throw_unknown_argument(app);
    throw UsageError(fmt::format("{} (see '{} {} --help')", mistake, program.name, command.name));
  };
  refuse_empty_values(argc, argv);
  try {
    // The program's own name and the subcommand are not the subcommand's arguments.
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& mistake) {
    refuse(mistake.what());
  } catch (const UsageError& mistake) {
    refuse(mistake.what());
  }
  if (app.remaining_size() > 0) throw_unknown_argument(app);
  return run();
}

int dispatch(const Program& program, int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word.empty()) {
    fmt::print(stderr, "{}", usage(program));
    return exit_code(ErrorKind::usage);
  }
  if (word == "--help" || word == "-h" || word == "help") {
    fmt::print("{}", usage(program));
    return 0;
  }
  if (word == "--version") {
    fmt::print("{} {} ({})\n", program.name, tool_version(), git_commit());
    return 0;
  }
  if (const Command* command = find(program.commands, word)) {
    return run_command(program, *command, argc, argv);
  }
  if (find(program.others, word) != nullptr) return program.delegate(std::string(word), argv);
  std::vector<std::string> names;
  for (const auto* commands : {&program.commands, &program.others}) {
    for (const Command& command : *commands) names.push_back(command.name);
  }
  throw UsageError(with_suggestion(fmt::format("unknown command '{}'", word), word, names));
}

}  // namespace

int run_program(const Program& program, int argc, char** argv) {
  try {
    const int code = dispatch(program, argc, argv);
    if (std::fflush(stdout) != 0) throw Error("cannot write to standard output");
    return code;
  } catch (const Error& error) {
    log().error("{}", error.what());
    return exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    log().error("out of memory on the host");
    return exit_code(ErrorKind::out_of_memory);
  } catch (const std::exception& error) {
    // Messages of libraries can carry a stack trace: keep the cause, the first line.
    const std::string_view message = error.what();
    log().error("{}", message.substr(0, message.find('\n')));
    return exit_code(ErrorKind::failure);
  }
}

}  // namespace kvscope::cli
