#include <iostream>

#include <plait/plait.hpp>
#include <plait/rewrite.hpp>

int main() try {
  const plait::Tensor<float> x({3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8});
  const plait::Tensor<float> k({2, 2}, {0, 1, 2, 3});
  for (const float value : plait::corr2d(x, k)) std::cout << value << ' ';
  const plait::Tensor<float> ones({1, 1, 1, 2}, {1, 1});
  for (const float value : plait::compose(ones, ones).kernel) std::cout << value << ' ';
  std::cout << plait::decompose(ones).separability.separable << ' ';
  plait::corr2d(k, x);  // throws: the kernel is larger than the input
} catch (const plait::Error& error) {
  std::cout << "and an error: " << error.what() << '\n';
}
