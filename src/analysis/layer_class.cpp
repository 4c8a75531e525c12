// Sorts problems into the classes that benchmarks average by.
#include <plait/analysis/layer_class.hpp>

#include <algorithm>

namespace plait {
namespace {

constexpr std::int64_t kTinyProducts = 300'000;
constexpr std::int64_t kLargeKernelSide = 9;

bool is_square(const Problem& p, std::int64_t side) { return p.k_h == side && p.k_w == side; }

// Whether sqrt(pixels) >= side, in whole numbers.
bool output_side_at_least(const Problem& p, std::int64_t side) {
  return p.h_o() * p.w_o() >= side * side;
}

}  // namespace

LayerClass layer_class(const Problem& p) {
  validate(p);
  const std::int64_t channels = p.c_i / p.groups;
  const bool large = std::max(p.k_h, p.k_w) >= kLargeKernelSide;
  const bool strided = p.stride != Pair(1);
  if (channels == 1 && p.groups > 1 && !large) return LayerClass::depthwise;
  if (p.multiplications() < kTinyProducts) return LayerClass::tiny;
  if (large) {
    return channels <= 4 ? LayerClass::large_few_channels : LayerClass::large_many_channels;
  }
  if (p.groups > 1) return channels <= 8 ? LayerClass::grouped_4_8 : LayerClass::grouped_16_plus;
  if (p.c_i <= 4) return LayerClass::first_layer;
  if (is_square(p, 1)) {
    return strided || !output_side_at_least(p, 14) ? LayerClass::pointwise_small
                                                   : LayerClass::pointwise;
  }
  if (strided || p.dilation != Pair(1)) return LayerClass::strided_or_dilated;
  if (is_square(p, 3)) {
    if (output_side_at_least(p, 28)) return LayerClass::three_28_plus;
    return output_side_at_least(p, 14) ? LayerClass::three_14_27 : LayerClass::three_under_14;
  }
  return is_square(p, 5) ? LayerClass::five : LayerClass::other;
}

std::string_view name_of(LayerClass layer_class) {
  switch (layer_class) {
    case LayerClass::depthwise:
      return "depthwise";
    case LayerClass::tiny:
      return "tiny";
    case LayerClass::large_few_channels:
      return "large kernel, few channels";
    case LayerClass::large_many_channels:
      return "large kernel, many channels";
    case LayerClass::grouped_4_8:
      return "grouped 4-8";
    case LayerClass::grouped_16_plus:
      return "grouped 16+";
    case LayerClass::first_layer:
      return "first layer";
    case LayerClass::pointwise_small:
      return "1x1 small or strided";
    case LayerClass::pointwise:
      return "1x1";
    case LayerClass::strided_or_dilated:
      return "strided or dilated";
    case LayerClass::three_28_plus:
      return "3x3 s1 at 28+ px";
    case LayerClass::three_14_27:
      return "3x3 s1 at 14-27 px";
    case LayerClass::three_under_14:
      return "3x3 s1 under 14 px";
    case LayerClass::five:
      return "5x5 s1";
    case LayerClass::other:
      return "other";
  }
  return "?";
}

const std::vector<LayerClass>& layer_classes() {
  static const std::vector<LayerClass> all = [] {
    std::vector<LayerClass> list;
    for (int i = 0; i <= static_cast<int>(LayerClass::other); ++i) {
      list.push_back(static_cast<LayerClass>(i));
    }
    return list;
  }();
  return all;
}

}  // namespace plait
