// The parts of DLPack's C exchange table (`__dlpack_c_exchange_api__` of a type; DLPack 1.2) that
// are used here: reading a tensor costs tens of nanoseconds instead of the microseconds of
// __dlpack__(). Source: the DLPack specification, https://dmlc.github.io/dlpack/latest/c_api.html
#pragma once

#include <nanobind/ndarray.h>

#include <cstdint>

namespace plait::python {

inline constexpr int kDlpackHostMemory = 3;  // pinned by CUDA, but the CPU's

struct DlpackVersion {
  std::uint32_t major;
  std::uint32_t minor;
};

struct DlpackExchangeHeader {
  DlpackVersion version;
  DlpackExchangeHeader* previous;
};

// Stable within major version 1.
struct DlpackExchangeApi {
  DlpackExchangeHeader header;
  void (*managed_tensor_allocator)();
  void (*managed_tensor_from_object)();
  void (*managed_tensor_to_object)();
  // Fills in a tensor that stays the object's: valid while the object is. -1 with a Python error.
  int (*dltensor_from_object)(void* object, nanobind::dlpack::dltensor* tensor);
  void (*current_work_stream)();
};

}  // namespace plait::python
