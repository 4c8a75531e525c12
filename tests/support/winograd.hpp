// Winograd's forms on every target, their matrices, and memory that shows what was written.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "core/error_model.hpp"
#include "core/tensor/aligned_buffer.hpp"
#include "kernels/winograd/toom_cook.hpp"
#include "kernels/winograd/winograd.hpp"
#include "support/floats.hpp"
#include "support/random.hpp"

namespace plait::test {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Calls body(target, down, across) for every form, both ways or one, on every target.
template <class Body>
void for_each_winograd_axes(Body body) {
  using kernels::AxisForm;
  const AxisForm none;
  for (const Target target : runnable_targets()) {
    for (const AxisForm& form : kernels::kWinogradForms) {
      if (form.r <= kernels::kMostTapsBothWays) body(target, form, form);
      body(target, none, form);
      body(target, form, none);
    }
  }
}

// Calls body(target, kernels) for each of them.
template <class Body>
void for_each_winograd_form(Body body) {
  for_each_winograd_axes(
      [&](Target target, const kernels::AxisForm& down, const kernels::AxisForm& across) {
        body(target, kernels::winograd_kernels(target, down, across));
      });
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

inline kernels::ToomCook<double> matrices_of(const kernels::AxisForm& axis) {
  if (axis.r > 1) return kernels::toom_cook(kernels::toom_points<double>(axis.t()), axis.m, axis.r);
  kernels::ToomCook<double> none{};
  none.a[0][0] = none.b[0][0] = 1;
  return none;
}

inline int largest_t(const kernels::WinogradKernels& form) {
  return std::max(form.down.t(), form.across.t());
}

inline std::string describe(Target target, const kernels::WinogradKernels& form,
                            const kernels::Region& region) {
  const auto text = [](const kernels::AxisForm& axis) {
    return "F(" + std::to_string(axis.m) + ", " + std::to_string(axis.r) + ")";
  };
  return std::string(name_of(target)) + " " + text(form.down) + " down, " + text(form.across) +
         " across, " + std::to_string(region.tile_rows) + " x " + std::to_string(region.tile_cols) +
         " tiles";
}

}  // namespace plait::test
