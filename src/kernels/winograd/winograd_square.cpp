#include "kernels/winograd/winograd_forms.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd/winograd_square.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include "kernels/simd/targets-inl.h"
#include "kernels/winograd/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

constexpr WinogradKernels kSquareForms[] = {
    MakeWinograd<Form<2, 3>, Form<2, 3>>(), MakeWinograd<Form<4, 3>, Form<4, 3>>(),
    MakeWinograd<Form<6, 3>, Form<6, 3>>(), MakeWinograd<Form<2, 5>, Form<2, 5>>(),
    MakeWinograd<Form<3, 5>, Form<3, 5>>(), MakeWinograd<Form<4, 5>, Form<4, 5>>()};
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
