// Memory aligned to 64 bytes, the size of a cache line and of the widest vectors. Large buffers lie
// on huge pages if the system provides them.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace plait {

inline constexpr std::size_t kBufferAlignment = 64;

struct AlignedDelete {
  std::size_t alignment = kBufferAlignment;
  void operator()(std::byte* data) const { ::operator delete[](data, std::align_val_t(alignment)); }
};
using AlignedBytes = std::unique_ptr<std::byte[], AlignedDelete>;

// The memory is not initialised. Throws Error, naming `purpose` and the size, when there is none.
AlignedBytes allocate_aligned(std::size_t bytes, const char* purpose);

}  // namespace plait
