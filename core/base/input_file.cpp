#include "core/base/input_file.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/descriptor.h"
#include "core/base/error.h"

namespace kvscope {
namespace {

class OpenInput {
 public:
  OpenInput(const std::string& path, std::string_view where, int flags)
      : path_(path), where_(where), file_(path, O_RDONLY | flags) {
    if (file_.get() < 0 || fstat(file_.get(), &status_) != 0) refuse_for_reason();
    if (S_ISDIR(status_.st_mode)) refuse("a folder");
  }

  bool is_regular() const { return S_ISREG(status_.st_mode); }

  std::string read_all() const {
    std::string bytes;
    std::array<char, 1 << 16> block{};
    while (true) {
      const ssize_t size = read(file_.get(), block.data(), block.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) refuse_for_reason();
      if (size == 0) return bytes;
      bytes.append(block.data(), static_cast<std::size_t>(size));
    }
  }

  [[noreturn]] void refuse(std::string_view got) const {
    throw BadInput(where_, path_, "a readable file", got);
  }

 private:
  [[noreturn]] void refuse_for_reason() const { refuse(std::strerror(errno)); }

  const std::string& path_;
  std::string_view where_;
  Descriptor file_;
  struct stat status_ {};
};

}  // namespace

void check_readable(const std::string& path, std::string_view where) {
  // Without O_NONBLOCK a pipe that nobody writes to would wait for ever.
  const OpenInput file(path, where, O_NONBLOCK);
  if (!file.is_regular()) file.refuse("a pipe or a device");
}

std::string read_input(const std::string& path, std::string_view where) {
  return OpenInput(path, where, 0).read_all();
}

}  // namespace kvscope
