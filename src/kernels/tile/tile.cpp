#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tile/tile.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target header comes after foreach_target.h
#include "kernels/simd/targets-inl.h"
#include "kernels/tile/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

constexpr TileSet kSet{CompiledTarget(), static_cast<int>(hn::MaxLanes(Full())), kTiles};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

const TileSet& tile_set(Target target) { return *PLAIT_SELECT_TARGET(target, kSet); }

}  // namespace plait::kernels
#endif
