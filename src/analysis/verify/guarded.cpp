#include "analysis/verify/guarded.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "analysis/float_bits.hpp"

namespace plait {
namespace {

constexpr std::byte kPoison{0xff};  // a float or double with all bits set is a NaN

// The number of elements from the lowest to the highest address of a view, and the distance of its
// origin from the lowest.
struct Extent {
  std::int64_t elements = 1;
  std::int64_t origin = 0;
};

Extent extent_of(const Dims& shape, const Dims& strides) {
  Extent extent;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t reach = (shape[axis] - 1) * strides[axis];
    extent.elements += std::abs(reach);
    if (reach < 0) extent.origin -= reach;
  }
  return extent;
}

template <class Visit>
void for_each_index(const Dims& shape, Visit visit) {
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    for (std::int64_t c = 0; c < shape[1]; ++c) {
      for (std::int64_t i = 0; i < shape[2]; ++i) {
        for (std::int64_t j = 0; j < shape[3]; ++j) visit(n, c, i, j);
      }
    }
  }
}

}  // namespace

GuardedBytes::GuardedBytes(std::size_t bytes, std::size_t alignment, Side side) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t body = (bytes + alignment + page - 1) / page * page;
  page_bytes_ = body + page;
  void* pages =
      mmap(nullptr, page_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  pages_ = static_cast<std::byte*>(pages);
  std::byte* usable = side == Side::behind ? pages_ : pages_ + page;
  std::fill(usable, usable + body, kPoison);
  if (side == Side::behind) {
    mprotect(pages_ + body, page, PROT_NONE);
    // The end touches the guard page if the size is a multiple of the alignment.
    data_ = usable + (body - bytes) / alignment * alignment;
    slack_ = usable;
    slack_bytes_ = static_cast<std::size_t>(data_ - usable);
  } else {
    mprotect(pages_, page, PROT_NONE);
    data_ = usable;
    slack_ = usable + bytes;
    slack_bytes_ = body - bytes;
  }
}

GuardedBytes::~GuardedBytes() { munmap(pages_, page_bytes_); }

bool GuardedBytes::slack_untouched() const {
  return std::all_of(slack_, slack_ + slack_bytes_, [](std::byte b) { return b == kPoison; });
}

template <class T>
GuardedTensor<T>::GuardedTensor(const Dims& shape, const Dims& strides, GuardedBytes::Side side)
    : elements_(static_cast<std::size_t>(extent_of(shape, strides).elements)),
      bytes_(elements_ * sizeof(T), sizeof(T), side),
      view_(reinterpret_cast<T*>(bytes_.data()) + extent_of(shape, strides).origin, shape,
            strides) {}

template <class T>
void GuardedTensor<T>::copy_from(TensorView<const T> values) {
  for_each_index(view_.shape(), [&](auto... index) { view_(index...) = values(index...); });
}

template <class T>
bool GuardedTensor<T>::gaps_untouched() const {
  const T* first = reinterpret_cast<const T*>(bytes_.data());
  std::vector<bool> used(elements_, false);
  for_each_index(view_.shape(), [&](auto... index) {
    used[static_cast<std::size_t>(&view_(index...) - first)] = true;
  });
  for (std::size_t i = 0; i < elements_; ++i) {
    if (!used[i] && bits_of(first[i]) != static_cast<FloatBits<T>>(~FloatBits<T>{0})) return false;
  }
  return bytes_.slack_untouched();
}

template class GuardedTensor<float>;
template class GuardedTensor<double>;

}  // namespace plait
