#include "core/problem/shape_check.hpp"

#include <optional>

#include "core/integers.hpp"
#include "core/refuse.hpp"

namespace plait {
namespace {

// The end of the message: the shapes, and why the channels may differ.
std::string likely_cause(const Dims& x, const Dims& weight, std::int64_t expected,
                         Layout x_layout) {
  const Dims nhwc{x[0], x[2], x[3], x[1]};
  if (x_layout == Layout::nchw && x[3] == expected) {
    return "(x is " + to_string(x) + ": is it NHWC? pass layout=\"nhwc\")";
  }
  if (x_layout == Layout::nhwc && x[2] == expected) {  // axis 1 of n x h x w x c is h
    return "(x is " + to_string(nhwc) + ": is it NCHW? pass layout=\"nchw\")";
  }
  const std::string shapes = "(x is " + to_string(x_layout == Layout::nhwc ? nhwc : x) +
                             ", weight is " + to_string(weight);
  const std::int64_t groups = weight[1] > 0 && x[1] % weight[1] == 0 ? x[1] / weight[1] : 0;
  if (groups > 1 && weight[0] % groups == 0) {
    return shapes + ": are " + std::to_string(groups) + " groups meant?)";
  }
  return shapes + ")";
}

}  // namespace

void check_channels(const Dims& x_shape_nchw, const Dims& weight_shape, std::int64_t groups,
                    Layout x_layout) {
  const std::optional<std::int64_t> expected = bounded_product({weight_shape[1], groups});
  if (!expected) {
    refuse("overflow: weight expects " + std::to_string(groups) + " groups x " +
           std::to_string(weight_shape[1]) + " input channels, more than 2^62");
  }
  const std::int64_t channels = x_shape_nchw[1];
  if (channels == *expected) return;
  std::string message = "weight expects " + std::to_string(*expected) + " input channel" +
                        (*expected == 1 ? "" : "s");
  if (groups > 1) {
    message +=
        " (" + std::to_string(groups) + " groups of " + std::to_string(weight_shape[1]) + ")";
  }
  message += " but x has " + std::to_string(channels) + " ";
  refuse(message + likely_cause(x_shape_nchw, weight_shape, *expected, x_layout));
}

}  // namespace plait
