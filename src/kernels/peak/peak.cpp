#include "kernels/peak/peak.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/peak/peak.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h: these are compiled once per target.
#include <hwy/highway.h>

#include "kernels/simd/targets-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kSums = 12;  // >= latency * ports of every target, and within 16 registers
constexpr int kRounds = 4096;

float FmaBurst() {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const V factor = hn::Set(d, 0.999F);
  const V step = hn::Set(d, 1e-3F);
  V sums[kSums];
  _Pragma("GCC unroll 16") for (int i = 0; i < kSums; ++i) {
    sums[i] = hn::Set(d, static_cast<float>(i + 2));  // of 1, which stays 1, GCC makes a constant
  }
  for (int round = 0; round < kRounds; ++round) {
    _Pragma("GCC unroll 16") for (int i = 0; i < kSums; ++i) {
      sums[i] = hn::MulAdd(sums[i], factor, step);
    }
  }
  V total = hn::Zero(d);
  _Pragma("GCC unroll 16") for (int i = 0; i < kSums; ++i) total = hn::Add(total, sums[i]);
  return hn::GetLane(hn::SumOfLanes(d, total));
}

std::int64_t FmaBurstMacs() {
  return std::int64_t{kSums} * kRounds *
         static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<float>()));
}

float ReadAll(const float* HWY_RESTRICT data, std::size_t floats) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  constexpr std::size_t kStreams = 8;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kStreams];
  _Pragma("GCC unroll 16") for (std::size_t i = 0; i < kStreams; ++i) sums[i] = hn::Zero(d);
  for (std::size_t at = 0; at + kStreams * lanes <= floats; at += kStreams * lanes) {
    _Pragma("GCC unroll 16") for (std::size_t i = 0; i < kStreams; ++i) {
      sums[i] = hn::Add(sums[i], hn::LoadU(d, data + at + i * lanes));
    }
  }
  V total = hn::Zero(d);
  _Pragma("GCC unroll 16") for (std::size_t i = 0; i < kStreams; ++i) {
    total = hn::Add(total, sums[i]);
  }
  return hn::GetLane(hn::SumOfLanes(d, total));
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plait::kernels {

float fma_burst(Target target) { return PLAIT_SELECT_TARGET(target, FmaBurst)(); }
std::int64_t fma_burst_macs(Target target) { return PLAIT_SELECT_TARGET(target, FmaBurstMacs)(); }
float read_all(Target target, const float* data, std::size_t floats) {
  return PLAIT_SELECT_TARGET(target, ReadAll)(data, floats);
}

}  // namespace plait::kernels
#endif
