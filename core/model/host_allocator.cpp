#include "core/model/host_allocator.h"

#include <cstdlib>  // defines __GLIBC__ where that is the C library

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace kvscope {

void keep_freed_host_memory() {
#ifdef __GLIBC__
  constexpr int threshold_bytes = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, threshold_bytes);
  mallopt(M_TRIM_THRESHOLD, threshold_bytes);
#endif
}

}  // namespace kvscope
