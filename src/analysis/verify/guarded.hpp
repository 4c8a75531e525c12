// Memory that detects reads and writes outside of what was asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/tensor.hpp>

namespace plait {

// `bytes` bytes with an inaccessible page directly behind (or before) them, so that an access
// beyond that side ends the process. The slack on the other side is poisoned and checked.
class GuardedBytes {
 public:
  enum class Side { behind, before };

  GuardedBytes(std::size_t bytes, std::size_t alignment, Side side);
  ~GuardedBytes();
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::byte* data() { return data_; }
  bool slack_untouched() const;

 private:
  std::byte* pages_ = nullptr;
  std::size_t page_bytes_ = 0;
  std::byte* slack_ = nullptr;
  std::size_t slack_bytes_ = 0;
  std::byte* data_ = nullptr;
};

// A strided tensor in guarded memory. Every element is poisoned with a NaN of one bit pattern.
template <class T>
class GuardedTensor {
 public:
  GuardedTensor(const Dims& shape, const Dims& strides, GuardedBytes::Side side);

  TensorView<T> view() const { return view_; }
  void copy_from(TensorView<const T> values);
  // Whether the memory between and around the view's elements still holds the poison.
  bool gaps_untouched() const;

 private:
  std::size_t elements_;
  mutable GuardedBytes bytes_;
  TensorView<T> view_;
};

extern template class GuardedTensor<float>;
extern template class GuardedTensor<double>;

}  // namespace plait
