#pragma once

#include <string>
#include <string_view>

/// The rules of every output of every command.
///
/// - An output is a text (budget, CSV, page, scores) or a file (capture, NPZ, PNG).
/// - Symbolic links are followed. The file at their end is made or replaced, and the links stay.
/// - A text also goes through pipes, terminals and devices such as /dev/null. `-`, /dev/stdout and
///   /dev/fd/N mean a descriptor that the process has open. All of these are written to and never
///   replaced, so they need no `force`.
/// - A file needs a regular file.
/// - Folders, sockets and disks are refused.
namespace kvscope {

/// While one of these lives, on any thread, a file size limit fails a write instead of killing the
/// process.
class IgnoreFileSizeSignal {
 public:
  IgnoreFileSizeSignal();
  ~IgnoreFileSizeSignal();
  IgnoreFileSizeSignal(const IgnoreFileSizeSignal&) = delete;
  IgnoreFileSizeSignal& operator=(const IgnoreFileSizeSignal&) = delete;
};

/// Name of the unfinished file of `path`, which is no link.
std::string partial_path(const std::string& path);

/// What `path` leads to when symbolic links are followed, be it there or not. A loop of links ends
/// at one of them.
std::string link_target(const std::string& path);

/// Name of the unfinished file of the output `path`, which may be a link.
std::string unfinished_file(const std::string& path);

/// Throws Error because the unfinished file `partial` is in the way. The message offers to move it
/// away or to give --force, and then `way_out`, such as "--resume goes on with it".
[[noreturn]] void refuse_unfinished(const std::string& partial, std::string_view way_out = "");

/// The regular file that the output `path` makes or replaces: its link_target. Throws Error when it
/// cannot be one: its folder is missing, something else has its name, or it or its partial file
/// exists and `force` is not set.
std::string check_target(const std::string& path, bool force);

/// The same for a text, which pipes, devices and open descriptors take too.
void check_text_target(const std::string& path, bool force);

/// Whether a text written to `path` goes to standard output: nothing else may then be printed.
bool is_standard_output(const std::string& path);

/// Makes the folder `path`, its parents too, unless it or a link to one is there. Throws Error.
void make_output_folder(const std::string& path);

/// Waits until the disk has `path`, then gives it the name `final_path`. Throws Error.
void publish(const std::string& path, const std::string& final_path);

/// Writes a whole text or file. A regular file is replaced only when the disk has all of it. Throws
/// Error, and leaves what was at `path` as it was.
void write_file(const std::string& path, std::string_view bytes);

}  // namespace kvscope
