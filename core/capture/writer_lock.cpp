#include "core/capture/writer_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {

WriterLock::WriterLock(const std::string& path) : file_(path, O_RDWR) {
  if (file_.get() < 0) return;
  // Of the open file, not of the process: HDF5 opens and closes the same file.
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  const bool locked = fcntl(file_.get(), F_OFD_SETLK, &whole) == 0;
  if (locked || (errno != EAGAIN && errno != EACCES)) return;
  throw Error(
      fmt::format("[capture] {}: expected a file that nobody writes, got one that another process "
                  "is writing",
                  path));
}

}  // namespace kvscope
