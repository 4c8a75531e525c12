// The worked example of the chapter "Multiple Input and Multiple Output Channels" of Dive into Deep
// Learning: two input channels, three output channels, every sum of the first map spelled out. All
// numbers come from the chapter's four functions, and the spelled-out sums are checked against
// them.
#include <cstdlib>
#include <iostream>
#include <string>

#include <plait/plait.hpp>

namespace {

using plait::Tensor;
using plait::TensorView;

// Channel c of t[c, rows, columns].
TensorView<const float> channel(const Tensor<float>& t, std::int64_t c) {
  return {t.data() + c * t.size(1) * t.size(2), {t.size(1), t.size(2)}};
}

void print(const std::string& name, TensorView<const float> matrix) {
  for (std::int64_t i = 0; i < matrix.size(0); ++i) {
    std::cout << (i == 0 ? name + " = " : std::string(name.size() + 3, ' '));
    for (std::int64_t j = 0; j < matrix.size(1); ++j) {
      std::cout << (j == 0 ? "" : " ") << matrix(i, j);
    }
    std::cout << "\n";
  }
}

void require(bool holds, const std::string& what) {
  if (holds) return;
  std::cerr << "worked_example: " << what << "\n";
  std::exit(1);
}

// Prints the products behind Y[i, j] for one channel and returns their sum.
float spell_out(TensorView<const float> x, TensorView<const float> k, std::int64_t i,
                std::int64_t j) {
  float sum = 0;
  for (std::int64_t u = 0; u < k.size(0); ++u) {
    for (std::int64_t v = 0; v < k.size(1); ++v) {
      std::cout << (u + v == 0 ? "" : " + ") << x(i + u, j + v) << "*" << k(u, v);
      sum += x(i + u, j + v) * k(u, v);
    }
  }
  std::cout << " = " << sum << "\n";
  return sum;
}

// Several input channels: correlate each with its own kernel, then add.
void multiple_inputs(const Tensor<float>& x, const Tensor<float>& k) {
  const Tensor<float> y = plait::corr2d_multi_in(x, k);
  const Tensor<float> y0 = plait::corr2d<float>(channel(x, 0), channel(k, 0));
  const Tensor<float> y1 = plait::corr2d<float>(channel(x, 1), channel(k, 1));
  print("X[0]", channel(x, 0));
  print("X[1]", channel(x, 1));
  print("K[0]", channel(k, 0));
  print("K[1]", channel(k, 1));
  std::cout
      << "\nSeveral input channels: Y[i, j] = sum over c, u, v of X[c, i+u, j+v] K[c, u, v]\n";
  for (std::int64_t i = 0; i < y.size(0); ++i) {
    for (std::int64_t j = 0; j < y.size(1); ++j) {
      std::cout << "Y[" << i << ", " << j << "]\n  channel 0: ";
      const float part0 = spell_out(channel(x, 0), channel(k, 0), i, j);
      std::cout << "  channel 1: ";
      const float part1 = spell_out(channel(x, 1), channel(k, 1), i, j);
      std::cout << "  sum: " << part0 << " + " << part1 << " = " << part0 + part1 << "\n";
      require(part0 == y0(i, j) && part1 == y1(i, j), "corr2d disagrees with the spelled-out sum");
      require(part0 + part1 == y(i, j), "corr2d_multi_in disagrees with the sum over channels");
    }
  }
}

// Several output channels: one stack of kernels each, here K, K + 1 and K + 2.
void multiple_outputs(const Tensor<float>& x, const Tensor<float>& k) {
  Tensor<float> stacks({3, k.size(0), k.size(1), k.size(2)});
  for (std::int64_t o = 0; o < 3; ++o) {
    for (std::int64_t e = 0; e < k.size(); ++e) {
      stacks.data()[o * k.size() + e] = k.data()[e] + static_cast<float>(o);
    }
  }
  const Tensor<float> y = plait::corr2d_multi_in_out(x, stacks);
  std::cout << "\nSeveral output channels: the stacks K, K + 1 and K + 2\n";
  for (std::int64_t o = 0; o < y.size(0); ++o) {
    print("Y[" + std::to_string(o) + "]", channel(y, o));
    const TensorView<const float> stack(stacks.data() + o * k.size(), k.shape());
    const Tensor<float> alone = plait::corr2d_multi_in<float>(x, stack);
    for (std::int64_t e = 0; e < alone.size(); ++e) {
      require(alone.data()[e] == channel(y, o).data()[e],
              "corr2d_multi_in_out disagrees with corr2d_multi_in");
    }
  }
}

// A 1x1 kernel: a matrix product over the channels, at every pixel.
void one_by_one(const Tensor<float>& x) {
  const Tensor<float> k({3, 2}, {1, 0, 0, 1, 1, -1});
  const Tensor<float> y = plait::corr2d_multi_in_out_1x1(x, k);
  std::cout << "\nA 1x1 convolution: Y[o] = K[o, 0] X[0] + K[o, 1] X[1]\n";
  print("K", k);
  for (std::int64_t o = 0; o < y.size(0); ++o) {
    print("Y[" + std::to_string(o) + "]", channel(y, o));
    for (std::int64_t e = 0; e < channel(x, 0).size(); ++e) {
      require(channel(y, o).data()[e] ==
                  k(o, 0) * channel(x, 0).data()[e] + k(o, 1) * channel(x, 1).data()[e],
              "corr2d_multi_in_out_1x1 disagrees with the matrix product");
    }
  }
}

}  // namespace

int main() {
  const Tensor<float> x({2, 3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor<float> k({2, 2, 2}, {0, 1, 2, 3, 1, 2, 3, 4});
  multiple_inputs(x, k);
  multiple_outputs(x, k);
  one_by_one(x);
}
