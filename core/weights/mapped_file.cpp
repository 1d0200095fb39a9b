#include "core/weights/mapped_file.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(const std::string& path)
      : value_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~FileDescriptor() {
    if (value_ >= 0) ::close(value_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int value() const { return value_; }

 private:
  int value_;
};

std::string system_message() { return std::generic_category().message(errno); }

}  // namespace

MappedFile::MappedFile(const std::string& path, std::string_view where) {
  const FileDescriptor file(path);
  struct stat status {};
  if (file.value() < 0 || ::fstat(file.value(), &status) != 0) {
    throw BadInput(where, path, "a readable file", system_message());
  }
  if (!S_ISREG(status.st_mode)) throw BadInput(where, path, "a regular file", "something else");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;  // mmap refuses length 0.
  // Writable, so that a tensor laid over the mapping may be changed in place as any other.
  void* address =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.value(), 0);
  if (address == MAP_FAILED) throw BadInput(where, path, "a mappable file", system_message());
  bytes_ = {static_cast<std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace kvscope
