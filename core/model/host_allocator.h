#pragma once

namespace kvscope {

/// Makes malloc keep the memory that tensors give back, for the whole process. By default glibc
/// returns blocks of a few megabytes to the system and faults them in again at the next layer,
/// which costs the decoder on a CPU some 15 %. Does nothing on other C libraries.
void keep_freed_host_memory();

}  // namespace kvscope
