#include "kernels/winograd/winograd_forms.hpp"

#include <array>
#include <cstddef>
#include <iterator>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd/winograd_axis.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include "kernels/simd/targets-inl.h"
#include "kernels/winograd/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

// Every form down, then every form across.
template <std::size_t... kIndex>
constexpr auto MakeAxisForms(std::index_sequence<kIndex...> /*all*/) {
  using Same = AxisTransform<1, 1>;
  return std::array{MakeWinograd<TransformOf<kIndex>, Same>()...,
                    MakeWinograd<Same, TransformOf<kIndex>>()...};
}
constexpr auto kAxisForms = MakeAxisForms(std::make_index_sequence<std::size(kWinogradForms)>());
constexpr WinogradSet kAxisSet{kAxisForms};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

const WinogradSet& winograd_axis_forms(Target target) {
  return *PLAIT_SELECT_TARGET(target, kAxisSet);
}

}  // namespace plait::kernels
#endif
