#include <iostream>

#include <plait/plait.hpp>

int main() {
  const plait::Tensor<float> x({1, 64, 56, 56});  // n x c_i x h x w, here all zeros
  const plait::Tensor<float> k({64, 64, 3, 3});   // c_o x c_i x k_h x k_w
  auto y = plait::conv2d(x, k, {.padding = 1});   // one call

  const auto plan = plait::plan("1x64x56x56,64x64x3x3,p1", {.max_workspace_bytes = 1 << 20});
  const auto packed = plan.pack(k);  // once per network
  plan.run(x, packed, y);            // once per image; allocates nothing
  std::cout << plan.explain();       // which algorithm, why, at what cost, and why not the others
}
