#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace kvscope {

/// Why a program ends early; each kind has one exit code (see exit_code).
enum class ErrorKind { failure, usage, bad_input, out_of_memory, data_lost, interrupted };

/// Exit code of a kind: 1 failure, 2 usage, 3 bad input file, 4 out of memory, 5 finished but data
/// was lost, 130 interrupted.
int exit_code(ErrorKind kind);

/// Base of every exception kvscope throws. The message is one line: control characters become '?'.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ErrorKind kind = ErrorKind::failure);

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// A file or value that cannot be used: `[where] path: expected X, got Y`.
class BadInput : public Error {
 public:
  BadInput(std::string_view where, std::string_view path, std::string_view expected,
           std::string_view got);
};

/// A command line that cannot be understood.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message);
};

/// The user asked to stop (SIGINT or SIGTERM).
class Interrupted : public Error {
 public:
  /// `rest` says what stays behind.
  explicit Interrupted(std::string_view rest = {});
};

}  // namespace kvscope
