#include "kernels/product/operands.hpp"

namespace plait::kernels {

ProductOperands ProductOperands::pack_in_run(const PackedWeights& weights, int threads) const {
  ProductOperands done = *this;
  auto* to = reinterpret_cast<float*>(workspace);
  weights.pack(a, bias, to, *executor, threads);
  done.packed = to;
  done.workspace += weights.bytes();
  return done;
}

}  // namespace plait::kernels
