#include <iostream>

#include <plait/plait.hpp>

int main() try {
  const plait::Tensor<float> x({3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8});
  const plait::Tensor<float> k({2, 2}, {0, 1, 2, 3});
  for (const float value : plait::corr2d(x, k)) std::cout << value << ' ';
  plait::corr2d(k, x);  // throws: the kernel is larger than the input
} catch (const plait::Error& error) {
  std::cout << "and an error: " << error.what() << '\n';
}
