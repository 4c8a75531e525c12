#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tile/channel_tile.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// clang-format: the per-target headers come after foreach_target.h
#include "kernels/simd/targets-inl.h"
#include "kernels/tile/channel_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {

constexpr TileSet kChannelSet{
    CompiledTarget(), static_cast<int>(hn::MaxLanes(hn::ScalableTag<float>())), kChannelTiles};

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

const TileSet& channel_tile_set(Target target) { return *PLAIT_SELECT_TARGET(target, kChannelSet); }

}  // namespace plait::kernels
#endif
