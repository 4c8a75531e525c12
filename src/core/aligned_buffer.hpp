// Bytes aligned to 64, as kernels and cache lines like them.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string>

#include <plait/error.hpp>

namespace plait {

inline constexpr std::size_t kBufferAlignment = 64;

struct AlignedDelete {
  void operator()(std::byte* data) const {
    ::operator delete[](data, std::align_val_t(kBufferAlignment));
  }
};
using AlignedBytes = std::unique_ptr<std::byte[], AlignedDelete>;

// Uninitialised. Throws Error naming `purpose` and the size when there is no memory for it.
inline AlignedBytes allocate_aligned(std::size_t bytes, const char* purpose) {
  void* data =
      ::operator new[](bytes == 0 ? 1 : bytes, std::align_val_t(kBufferAlignment), std::nothrow);
  if (data == nullptr) {
    throw Error(Status::unsupported,
                "no memory for " + std::to_string(bytes) + " bytes of " + std::string(purpose));
  }
  return AlignedBytes(static_cast<std::byte*>(data));
}

}  // namespace plait
