// Bytes aligned to 64, as kernels and cache lines like them; large ones lie on huge pages where the
// system has some to give.
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

// Uninitialised. Throws Error naming `purpose` and the size when there is no memory for it.
AlignedBytes allocate_aligned(std::size_t bytes, const char* purpose);

}  // namespace plait
