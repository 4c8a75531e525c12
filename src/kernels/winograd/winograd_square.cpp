#include "kernels/winograd/winograd_forms.hpp"

#include <array>
#include <cstddef>
#include <iterator>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd/winograd_square.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include "kernels/simd/targets-inl.h"
#include "kernels/winograd/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

constexpr std::size_t kSquareCount = [] {
  std::size_t count = 0;
  while (count < std::size(kWinogradForms) && kWinogradForms[count].r <= kMostTapsBothWays) ++count;
  return count;
}();
template <std::size_t... kIndex>
constexpr auto MakeSquareForms(std::index_sequence<kIndex...> /*all*/) {
  return std::array{MakeWinograd<TransformOf<kIndex>, TransformOf<kIndex>>()...};
}
constexpr auto kSquareForms = MakeSquareForms(std::make_index_sequence<kSquareCount>());
constexpr WinogradSet kSquareSet{kSquareForms};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

const WinogradSet& winograd_square_forms(Target target) {
  return *PLAIT_SELECT_TARGET(target, kSquareSet);
}

}  // namespace plait::kernels
#endif
