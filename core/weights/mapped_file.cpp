#include "core/weights/mapped_file.h"

#include <cerrno>
#include <system_error>

#include <sys/mman.h>
#include <sys/stat.h>

#include "core/base/descriptor.h"
#include "core/base/error.h"

namespace kvscope {
namespace {

std::string system_message() { return std::generic_category().message(errno); }

}  // namespace

MappedFile::MappedFile(const std::string& path, std::string_view where) {
  const Descriptor file(path, O_RDONLY);
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    throw BadInput(where, path, "a readable file", system_message());
  }
  if (!S_ISREG(status.st_mode)) throw BadInput(where, path, "a regular file", "something else");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;  // mmap refuses length 0.
  // Writable, so that a tensor laid over the mapping may be changed in place as any other.
  void* address =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
  if (address == MAP_FAILED) throw BadInput(where, path, "a mappable file", system_message());
  bytes_ = {static_cast<std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace kvscope
