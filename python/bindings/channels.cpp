// channel_shuffle and channel_flow. python/plait documents the arguments.
#include <plait/analysis/channels.hpp>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"

namespace plait::python {
namespace {

template <class T>
nb::object shuffled(const Array& x, std::int64_t groups) {
  const auto view = x.view<const T>();
  Tensor<T> y;
  {
    const nb::gil_scoped_release released;
    y = channel_shuffle<T>(view, groups);
  }
  return to_numpy(std::move(y));
}

nb::object shuffle(nb::handle x_object, nb::handle groups_object) {
  Array x("x", x_object);
  require({&x});
  const Dtype dtype = promote({&x});
  const std::int64_t groups = to_int("groups", groups_object);
  const Kind kind(x);
  kind.check({&x});
  return kind.adopt(dtype == Dtype::f64 ? shuffled<double>(x, groups) : shuffled<float>(x, groups));
}

// The matrix as a numpy array of bool, which owns it.
nb::object flow(nb::handle channels, nb::handle groups, nb::handle layers, nb::handle between) {
  if (between.is_none()) throw nb::type_error("between must be a str but is None");
  const GroupedStack stack{to_int("channels", channels), to_int("groups", groups),
                           to_int("layers", layers), parse_between(to_text("between", between))};
  auto* matrix = new std::vector<std::uint8_t>(channel_flow(stack).matrix);
  const nb::capsule owner(
      matrix, [](void* p) noexcept { delete static_cast<std::vector<std::uint8_t>*>(p); });
  const auto size = static_cast<std::size_t>(stack.channels);
  const std::array<std::size_t, 2> shape = {size, size};
  static_assert(sizeof(bool) == sizeof(std::uint8_t));
  return nb::cast(nb::ndarray<nb::numpy, bool>(matrix->data(), shape.size(), shape.data(), owner));
}

}  // namespace

void add_channels(nb::module_& m) {
  const auto any = [](const char* argument) { return nb::arg(argument).none(); };
  m.def("channel_shuffle", &shuffle, any("x"), any("groups"));
  m.def("channel_flow", &flow, any("channels"), any("groups"), any("layers"), any("between"));
}

}  // namespace plait::python
