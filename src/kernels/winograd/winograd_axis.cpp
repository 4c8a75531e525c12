#include "kernels/winograd/winograd_forms.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd/winograd_axis.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include "kernels/simd/targets-inl.h"
#include "kernels/winograd/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

using None = Form<1, 1>;
constexpr WinogradKernels kAxisForms[] = {
    MakeWinograd<None, Form<2, 3>>(), MakeWinograd<None, Form<4, 3>>(),
    MakeWinograd<None, Form<6, 3>>(), MakeWinograd<None, Form<2, 5>>(),
    MakeWinograd<None, Form<3, 5>>(), MakeWinograd<None, Form<4, 5>>(),
    MakeWinograd<None, Form<2, 7>>(), MakeWinograd<Form<2, 3>, None>(),
    MakeWinograd<Form<4, 3>, None>(), MakeWinograd<Form<6, 3>, None>(),
    MakeWinograd<Form<2, 5>, None>(), MakeWinograd<Form<3, 5>, None>(),
    MakeWinograd<Form<4, 5>, None>(), MakeWinograd<Form<2, 7>, None>()};
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
