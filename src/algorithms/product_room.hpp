// What the rooms share whose work is one matrix product per image and group:
//   y[n, o, p] = act( sum over k of K[o, k] * b[k, p] + bias[o] ),  p = output pixel, k < depth.
// Such a room says how b arises from x (a kernels::PanelSource); the rest is here.
#pragma once

#include <string>
#include <string_view>

#include "core/algorithm.hpp"
#include "kernels/product.hpp"

namespace plait {

// No, unless the problem is forward, f32, padded with zeros, and its epilogue is one that the
// register tiles fuse.
Verdict accepts_as_product(const Problem& problem);

kernels::ProductShape product_shape(const Problem& problem);

// `limits` as a request for a blocking. With limits.packed_format, only the tile of that format is
// allowed; a format of another room, target or weight shape allows none.
struct ProductRequest {
  std::string_view room;
  double fill_cycles_per_element = 1;  // of the room's source, on one thread
  bool source_in_place = false;        // the room's source can say where b lies
};
kernels::Blocking product_blocking(const ProductRequest& request, const Problem& problem,
                                   const Limits& limits, const Machine& machine);

// No, if there is no blocking within the limits; the reason says which one stands in the way.
Verdict accepts_blocking(const kernels::Blocking& blocking, std::string_view room,
                         const Limits& limits);

Cost product_cost(const Problem& problem, const Machine& machine,
                  const kernels::Blocking& blocking);

// pack() and all of run() but the source.
class ProductExecution : public Execution {
 public:
  ProductExecution(std::string_view room, const Problem& problem,
                   const kernels::Blocking& blocking);

  std::string packed_format() const override;
  void pack(const void* kernel, const void* bias, std::byte* out) const override;
  int threads() const override { return blocking_.threads; }

 protected:
  void run_from(const kernels::PanelSource& source, const Args& args) const;
  const Problem& problem() const { return problem_; }

 private:
  std::string_view room_;
  Problem problem_;
  kernels::ProductShape shape_;
  kernels::Blocking blocking_;
};

}  // namespace plait
