// The parts that plait uses of DLPack's C exchange table (`__dlpack_c_exchange_api__` of a type;
// DLPack 1.2). With it reading a tensor takes tens of nanoseconds, where __dlpack__() takes
// microseconds. Source: the DLPack specification, https://dmlc.github.io/dlpack/latest/c_api.html
#pragma once

#include <nanobind/ndarray.h>

#include <cstdint>

namespace plait::python {

inline constexpr int kDlpackHostMemory = 3;  // CPU memory that is pinned by CUDA

struct DlpackVersion {
  std::uint32_t major;
  std::uint32_t minor;
};

struct DlpackExchangeHeader {
  DlpackVersion version;
  DlpackExchangeHeader* previous;
};

// Its layout is stable within major version 1.
struct DlpackExchangeApi {
  DlpackExchangeHeader header;
  void (*managed_tensor_allocator)();
  void (*managed_tensor_from_object)();
  void (*managed_tensor_to_object)();
  // Fills in a tensor that belongs to the object and is valid while that lives. Returns -1, with a
  // Python error set, on failure.
  int (*dltensor_from_object)(void* object, nanobind::dlpack::dltensor* tensor);
  void (*current_work_stream)();
};

}  // namespace plait::python
