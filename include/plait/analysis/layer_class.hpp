// What kind of layer a problem is. Benchmarks average by these classes: a mean over all layers
// would hide that an algorithm is good at one kind and poor at another.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <plait/export.hpp>
#include <plait/problem.hpp>

namespace plait {

// The classes in the order in which they are tried: a problem belongs to the first that fits it.
// Here
//   kernel side   the larger of k_h and k_w
//   output side   sqrt(h' w'), the side of the square with as many pixels
//   channels      c_i / groups
enum class LayerClass : std::uint8_t {
  depthwise,            // channels = 1 < groups, kernel side < 9
  tiny,                 // less than 300,000 products
  large_few_channels,   // kernel side >= 9, channels <= 4
  large_many_channels,  // kernel side >= 9
  grouped_4_8,          // groups > 1, channels <= 8
  grouped_16_plus,      // groups > 1
  first_layer,          // c_i <= 4
  pointwise_small,      // 1x1 with a stride, or with output side < 14
  pointwise,            // 1x1
  strided_or_dilated,   // along either axis
  three_28_plus,        // 3x3, output side >= 28
  three_14_27,          // 3x3, output side >= 14
  three_under_14,       // 3x3
  five,                 // 5x5
  other,
};

// The class does not depend on the direction, as all directions have the forward shapes. Throws
// Error if the problem is not valid.
PLAIT_API LayerClass layer_class(const Problem& problem);

PLAIT_API std::string_view name_of(LayerClass layer_class);  // such as "3x3 s1 at 14-27 px"

PLAIT_API const std::vector<LayerClass>& layer_classes();  // all of them, in the order above

}  // namespace plait
