#include "core/base/child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/descriptor.h"

namespace kvscope {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Descriptor read;
  Descriptor write;
};

bool open_pipe(Pipe& pipe) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  pipe = {Descriptor(ends[0]), Descriptor(ends[1])};
  return true;
}

// 0 or the errno of what failed. The copies of the ends are the child's 1 and 2.
int start(const std::vector<std::string>& arguments, const Pipe& output, const Pipe& errors,
          pid_t& child) {
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  if (const int failure = posix_spawn_file_actions_init(&actions)) return failure;
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  posix_spawn_file_actions_adddup2(&actions, output.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.write.get(), STDERR_FILENO);
  const int failure = posix_spawn(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

// Appends what is there; false at the end.
bool read_some(int descriptor, std::string& text) {
  std::array<char, 4096> block{};
  const ssize_t size = read(descriptor, block.data(), block.size());
  if (size < 0) return errno == EINTR;
  text.append(block.data(), static_cast<std::size_t>(size));
  return size > 0;
}

// Reads both until the child has closed them; false when `deadline` is over before.
bool read_both(Pipe& output, Pipe& errors, ChildResult& result, std::string& words,
               Clock::time_point deadline) {
  std::array<pollfd, 2> ends = {{{.fd = output.read.get(), .events = POLLIN, .revents = 0},
                                 {.fd = errors.read.get(), .events = POLLIN, .revents = 0}}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    if (poll(ends.data(), ends.size(), static_cast<int>(left)) < 0 && errno != EINTR) return true;
    if (ends[0].revents != 0 && !read_some(ends[0].fd, result.output)) ends[0].fd = -1;
    if (ends[1].revents != 0 && !read_some(ends[1].fd, words)) ends[1].fd = -1;
  }
  return true;
}

std::string last_line(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \n");
  if (end == std::string_view::npos) return "";
  text = text.substr(0, end + 1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

std::string problem_of(int status, const std::string& words) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  std::string problem = WIFSIGNALED(status)
                            ? fmt::format("ended by a signal ({})", strsignal(WTERMSIG(status)))
                            : fmt::format("exit code {}", WEXITSTATUS(status));
  const std::string last = last_line(words);
  return last.empty() ? problem : fmt::format("{}: {}", problem, last);
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& arguments,
                      std::chrono::milliseconds patience) {
  ChildResult result;
  Pipe output;
  Pipe errors;
  if (!open_pipe(output) || !open_pipe(errors)) return {std::strerror(errno), ""};
  pid_t child = 0;
  if (const int failure = start(arguments, output, errors, child)) {
    return {std::strerror(failure), ""};
  }
  output.write.close();
  errors.write.close();
  std::string words;
  const bool in_time = read_both(output, errors, result, words, Clock::now() + patience);
  if (!in_time) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.problem =
      in_time ? problem_of(status, words)
              : fmt::format("no answer in {:g} s", std::chrono::duration<double>(patience).count());
  return result;
}

}  // namespace kvscope
