// Winograd's forms on every target, their matrices, and memory that shows what was written.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "core/aligned_buffer.hpp"
#include "core/error_model.hpp"
#include "kernels/toom_cook.hpp"
#include "kernels/winograd.hpp"
#include "support/floats.hpp"
#include "support/random.hpp"

namespace plait::test {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

inline constexpr std::array<std::array<int, 2>, 6> kWinogradForms = {
    {{2, 3}, {4, 3}, {6, 3}, {2, 5}, {3, 5}, {4, 5}}};

// Calls body(target, kernels) for every form on every target.
template <class Body>
void for_each_winograd_form(Body body) {
  for (const Target target : runnable_targets()) {
    for (const auto& [m, r] : kWinogradForms) body(target, kernels::winograd_kernels(target, m, r));
  }
}

inline std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Floats on a cache line's boundary, surrounded by ones that nothing may write.
class Guarded {
 public:
  Guarded(std::int64_t size, float filling)
      : size_(size), bytes_(allocate_aligned(index(size + 2 * kAround) * sizeof(float), "a test")) {
    std::fill_n(begin(), size + 2 * kAround, kUntouched);
    std::fill_n(data(), size, filling);
  }

  float* data() const { return begin() + kAround; }
  bool is_intact_around() const {
    const auto untouched = [](float value) { return value == kUntouched; };
    return std::all_of(begin(), begin() + kAround, untouched) &&
           std::all_of(data() + size_, data() + size_ + kAround, untouched);
  }

 private:
  static constexpr std::int64_t kAround = 32;
  float* begin() const { return reinterpret_cast<float*>(bytes_.get()); }

  std::int64_t size_;
  AlignedBytes bytes_;
};

// The value that a sum of rounded terms should have, and how far from it these may take it.
struct Expected {
  double value = 0;
  double terms = 0;  // sum of their sizes

  void add(double term) {
    value += term;
    terms += std::abs(term);
  }
  // A value passes at most some 2 t roundings in each of two directions.
  double tolerance(int t) const { return 4 * t * kUnitRoundoff * terms; }
};

inline kernels::ToomCook<double> matrices_of(const kernels::WinogradKernels& form) {
  return kernels::toom_cook(kernels::toom_points<double>(form.t()), form.m, form.r);
}

inline std::string describe(Target target, const kernels::WinogradKernels& form,
                            const kernels::Region& region) {
  return std::string(name_of(target)) + " F(" + std::to_string(form.m) + ", " +
         std::to_string(form.r) + "), " + std::to_string(region.tile_rows) + " x " +
         std::to_string(region.tile_cols) + " tiles";
}

}  // namespace plait::test
