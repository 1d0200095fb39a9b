// What a user would lose: a command of the engine that kvscope neither lists nor starts.

#include <gmock/gmock.h>

#include "cli/common/engine_summaries.h"
#include "cli/engine/commands.h"

namespace kvscope::cli {
namespace {

TEST(CommandsOfTheEngine, AreThoseThatKvscopeHandsOver) {
  std::vector<std::string> found;
  for (const Command& command : engine_commands()) {
    // Only doctor asks for the devices.
    if (command.name != "devices") found.push_back(command.name + ": " + command.summary);
  }
  std::vector<std::string> listed;
  for (const CommandSummary& entry : engine_summaries) {
    listed.push_back(std::string(entry.name) + ": " + entry.summary);
  }
  EXPECT_EQ(found, listed);
}

}  // namespace
}  // namespace kvscope::cli
