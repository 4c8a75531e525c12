#include <plait/tensor.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/calls.hpp"

namespace plait {
namespace {

constexpr std::int64_t kTwoTo62 = std::int64_t{1} << 62;

// The text with which `call` is refused.
template <class Call>
std::string error_of(Call call) {
  return test::error_of(Status::invalid_argument, call);
}

// Visits every index of a shape of any rank, last axis fastest.
void for_each_index(const Dims& shape, const std::function<void(const Dims&)>& visit) {
  Dims index = shape;
  for (int axis = 0; axis < shape.rank(); ++axis) index[axis] = 0;
  for (std::int64_t left = element_count(shape); left > 0; --left) {
    visit(index);
    for (int axis = shape.rank() - 1; axis >= 0 && ++index[axis] == shape[axis]; --axis) {
      index[axis] = 0;
    }
  }
}

std::vector<std::int64_t> offsets(const Dims& shape, const Dims& strides) {
  std::vector<std::int64_t> result;
  for_each_index(shape, [&](const Dims& index) {
    std::int64_t offset = 0;
    for (int axis = 0; axis < shape.rank(); ++axis) offset += index[axis] * strides[axis];
    result.push_back(offset);
  });
  return result;
}

TEST(Dims, HoldUpToFourAxes) {
  Dims dims{1, 64};
  dims.push_back(56);
  dims.push_back(7);
  EXPECT_EQ(dims, (Dims{1, 64, 56, 7}));
  EXPECT_NE(dims, (Dims{1, 64, 56}));
  EXPECT_EQ(error_of([&] { dims.push_back(2); }),
            "a tensor has at most 4 axes: cannot add one to 1x64x56x7");
  EXPECT_EQ(error_of([] { Dims{1, 2, 3, 4, 5}; }), "a tensor has at most 4 axes but 5 were given");
}

TEST(Dims, Print) {
  EXPECT_EQ(to_string(Dims{1, 64, 56, 56}), "1x64x56x56");
  EXPECT_EQ(to_string(Dims{7}), "7");
  EXPECT_EQ(to_string(Dims{}), "scalar");
}

TEST(ElementCount, IsTheCheckedProduct) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({2, 3, 5, 7}), 210);
  EXPECT_EQ(element_count({kTwoTo62, 4, 0, 4}), 0);
  EXPECT_EQ(element_count({1 << 30, 1, std::int64_t{1} << 32}), kTwoTo62);
  EXPECT_EQ(error_of([] {
              element_count({kTwoTo62, 1, 2});
            }),
            "overflow: shape 4611686018427387904x1x2 has more than 2^62 elements");
  EXPECT_EQ(error_of([] {
              element_count({std::int64_t{1} << 32, std::int64_t{1} << 32});
            }),
            "overflow: shape 4294967296x4294967296 has more than 2^62 elements");
  EXPECT_EQ(error_of([] { element_count({2, -3, 0}); }), "axis 1 of shape 2x-3x0 is negative");
}

TEST(DenseStrides, AreRowMajor) {
  EXPECT_EQ(dense_strides({2, 3, 5, 7}), (Dims{105, 35, 7, 1}));
  EXPECT_EQ(dense_strides({}), Dims{});
  EXPECT_EQ(dense_strides({2, 0, 4}), (Dims{4, 4, 1}));
  EXPECT_THROW(dense_strides({1, std::int64_t{1} << 32, std::int64_t{1} << 32, 2}), Error);
}

TEST(TensorView, ChecksRankAndReadsThroughStrides) {
  float data[6] = {0, 1, 2, 3, 4, 5};
  const TensorView<const float> transposed(data, {3, 2}, {1, 3});
  EXPECT_EQ(transposed(2, 1), 5);
  EXPECT_FALSE(transposed.dense());
  const TensorView<float> reversed(data + 5, {6}, {-1});
  EXPECT_EQ(reversed(1), 4);
  EXPECT_EQ(TensorView<float>().size(), 0);
  EXPECT_EQ(error_of([&] {
              TensorView<float>(data, {2, 3}, {1});
            }),
            "a view of shape 2x3 needs 2 strides but got 1");
}

TEST(Tensor, IsAlignedAndZero) {
  for (int round = 0; round < 3; ++round) {
    for (std::int64_t size = 1; size < 200; size += 7) {
      {
        Tensor<float> dirt(Dims{size});  // freed at once, so that its memory may come back
        std::fill(dirt.begin(), dirt.end(), 7.f);
      }
      const Tensor<float> tensor(Dims{size});
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0u) << size;
      EXPECT_EQ(std::count(tensor.begin(), tensor.end(), 0.f), size);
    }
  }
  EXPECT_EQ(Tensor<double>(Dims{}).size(), 1);
  EXPECT_EQ(Tensor<double>().size(), 0);
  const Tensor<double> none(Dims{3, 0});
  EXPECT_EQ(none.size(), 0);
  EXPECT_EQ(none.begin(), none.end());
}

TEST(Tensor, TakesValuesInRowMajorOrder) {
  const Tensor<double> tensor({2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(tensor(1, 2), 5);
  EXPECT_EQ(tensor(1, 0), 3);
  EXPECT_EQ(error_of([] {
              Tensor<double>({2, 3}, {1, 2});
            }),
            "a tensor of shape 2x3 needs 6 values but got 2");
}

TEST(Tensor, CopiesDeeplyAndMovesEmpty) {
  Tensor<float> a({2, 2}, {1, 2, 3, 4});
  Tensor<float> b = a;
  b(0, 0) = 9;
  EXPECT_EQ(a(0, 0), 1);
  EXPECT_EQ(b.shape(), a.shape());
  const Tensor<float>& same = a;
  a = same;
  EXPECT_EQ(a(1, 1), 4);
  a = b;
  EXPECT_EQ(a(0, 0), 9);
  const float* address = a.data();
  Tensor<float> c = std::move(a);
  EXPECT_EQ(c.data(), address);
  EXPECT_EQ(a.size(), 0);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(Tensor<float>(a).size(), 0);
  a = std::move(c);
  EXPECT_EQ(a.data(), address);
}

TEST(Tensor, NamesShapeAndBytesWhenTooLarge) {
  EXPECT_EQ(test::error_of(Status::out_of_memory,
                           [] {
                             Tensor<double>(Dims{kTwoTo62 / 2, 2});
                           }),
            "no memory for a tensor of shape 2305843009213693952x2 (36893488147419103232 bytes)");
// Sanitizers end the program at such a request.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_EQ(test::error_of(Status::out_of_memory,
                           [] {
                             Tensor<float>(Dims{1 << 25, 1 << 25});
                           }),
            "no memory for a tensor of shape 33554432x33554432 (4503599627370496 bytes)");
#endif
}

TEST(DenseCopy, FollowsAnyStrides) {
  std::mt19937_64 random(1);
  std::vector<double> data(2000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<double>(i);
  for (int round = 0; round < 500; ++round) {
    Dims shape;
    Dims strides;
    const int rank = static_cast<int>(random() % 5);
    for (int axis = 0; axis < rank; ++axis) {
      shape.push_back(static_cast<std::int64_t>(random() % 5));
      strides.push_back(static_cast<std::int64_t>(random() % 101) - 50);
    }
    const TensorView<const double> view(data.data() + 1000, shape, strides);
    const Tensor<double> copy = dense_copy(view);
    ASSERT_EQ(copy.shape(), shape);
    const std::vector<std::int64_t> expected = offsets(shape, strides);
    ASSERT_EQ(static_cast<std::size_t>(copy.size()), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(copy.data()[i], data[static_cast<std::size_t>(1000 + expected[i])]);
    }
  }
  EXPECT_EQ(dense_copy(TensorView<const float>()).size(), 0);
  float one = 3;
  EXPECT_EQ(dense_copy(TensorView<float>(&one, {}))(), 3);
}

// A strided region at an address (in bytes), and the truth about it by enumeration.
struct Region {
  std::int64_t address = 0;
  Dims shape;
  Dims strides;
  std::size_t size = 4;

  std::set<std::int64_t> bytes() const {
    std::set<std::int64_t> result;
    for (const std::int64_t offset : offsets(shape, strides)) {
      const auto element = static_cast<std::int64_t>(size);
      for (std::int64_t byte = 0; byte < element; ++byte) {
        result.insert(address + offset * element + byte);
      }
    }
    return result;
  }
};

bool may_overlap(const Region& a, const Region& b) {
  const auto pointer = [](std::int64_t address) {
    // Never read through.
    return reinterpret_cast<const void*>(  // NOLINT(performance-no-int-to-ptr)
        static_cast<std::uintptr_t>(address));
  };
  return plait::may_overlap(pointer(a.address), a.shape, a.strides, a.size, pointer(b.address),
                            b.shape, b.strides, b.size);
}

bool share(const Region& a, const Region& b) {
  const std::set<std::int64_t> b_bytes = b.bytes();
  for (const std::int64_t byte : a.bytes()) {
    if (b_bytes.contains(byte)) return true;
  }
  return false;
}

std::string text(const Region& r) {
  std::string strides;
  for (const std::int64_t stride : r.strides) strides += std::to_string(stride) + " ";
  return to_string(r.shape) + " strides " + strides + "at " + std::to_string(r.address) + " of " +
         std::to_string(r.size);
}

TEST(MayOverlap, NeverMissesAndIsExactOnSmallRegions) {
  std::mt19937_64 random(2);
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  const auto region = [&] {
    Region r;
    r.size = std::size_t{1} << below(4);
    r.address = 100000 + below(120);
    const std::int64_t rank = below(5);
    for (std::int64_t axis = 0; axis < rank; ++axis) {
      r.shape.push_back(below(20) == 0 ? 0 : 1 + below(4));
      r.strides.push_back(below(31) - 12);
    }
    return r;
  };
  int shared = 0;
  int apart_with_ranges_that_meet = 0;
  for (int round = 0; round < 20000; ++round) {
    const Region a = region();
    const Region b = region();
    const bool truth = share(a, b);
    // The search over regions this small never runs out of steps, so that it is exact.
    ASSERT_EQ(may_overlap(a, b), truth) << text(a) << " and " << text(b);
    ASSERT_EQ(may_overlap(b, a), truth) << text(a) << " and " << text(b);
    const std::set<std::int64_t> a_bytes = a.bytes();
    const std::set<std::int64_t> b_bytes = b.bytes();
    shared += truth;
    apart_with_ranges_that_meet += !truth && !a_bytes.empty() && !b_bytes.empty() &&
                                   *a_bytes.begin() <= *b_bytes.rbegin() &&
                                   *b_bytes.begin() <= *a_bytes.rbegin();
  }
  EXPECT_GT(shared, 1000);
  EXPECT_GT(apart_with_ranges_that_meet, 1000);
}

TEST(MayOverlap, IsExactForSlicesOfOneParent) {
  std::mt19937_64 random(3);
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  int interleaved = 0;
  for (int round = 0; round < 20000; ++round) {
    Dims parent;
    for (int axis = 0; axis < 4; ++axis) parent.push_back(1 + below(5));
    const Dims strides = dense_strides(parent);
    const int axis = static_cast<int>(below(4));
    const auto slice = [&] {
      const std::int64_t step = 1 + below(2);
      const std::int64_t first = below(parent[axis]);
      Region r{100000 + 4 * first * strides[axis], parent, strides, 4};
      r.shape[axis] = 1 + below((parent[axis] - first - 1) / step + 1);
      r.strides[axis] *= step;
      return r;
    };
    const Region a = slice();
    const Region b = slice();
    const bool truth = share(a, b);
    ASSERT_EQ(may_overlap(a, b), truth) << text(a) << " and " << text(b);
    interleaved += !truth;
  }
  EXPECT_GT(interleaved, 2000);
}

TEST(MayOverlap, HoldsAtRealSizes) {
  // Two channel slices of one NHWC buffer, 32 of 96 channels each, seen as n x c x h x w.
  const Dims shape{8, 32, 720, 1280};
  const Dims strides{std::int64_t{720} * 1280 * 96, 1, std::int64_t{1280} * 96, 96};
  const auto channels_from = [&](std::int64_t first) {
    return Region{(std::int64_t{1} << 40) + 4 * first, shape, strides, 4};
  };
  EXPECT_FALSE(may_overlap(channels_from(0), channels_from(32)));
  EXPECT_FALSE(may_overlap(channels_from(64), channels_from(0)));
  EXPECT_TRUE(may_overlap(channels_from(0), channels_from(31)));
  // The same slice one pixel on overlaps in all but the border.
  EXPECT_TRUE(may_overlap(channels_from(0), channels_from(96)));
  // Even and odd columns of one plane.
  const Region even{1 << 20, {1, 64, 56, 28}, {200704, 3136, 56, 2}, 4};
  Region odd = even;
  odd.address += 4;
  EXPECT_FALSE(may_overlap(even, odd));
  EXPECT_TRUE(may_overlap(even, even));
}

TEST(MayOverlap, AnswersYesWhereItCannotCount) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Region beyond{1 << 20, {kTwoTo62}, {most}, 8};
  EXPECT_TRUE(may_overlap(beyond, {1 << 20, {1}, {1}, 4}));
  // Nearly equal strides: the search would visit some 10^9 pairs of indices.
  const Region first{1 << 20, {3000, 3000, 3000}, {30000, 30002, 30004}, 4};
  const Region second{(1 << 20) + 4, {3000, 3000, 3000}, {30000, 30002, 30006}, 4};
  EXPECT_TRUE(may_overlap(first, second));
}

TEST(MayOverlap, IsNoForEmptyRegions) {
  const Region empty{1 << 20, {4, 0}, {1, 1}, 4};
  const Region full{1 << 20, {4, 4}, {4, 1}, 4};
  EXPECT_FALSE(may_overlap(empty, full));
  EXPECT_FALSE(may_overlap(full, empty));
}

bool shares_with_itself(const Dims& shape, const Dims& strides) {
  const std::vector<std::int64_t> all = offsets(shape, strides);
  return std::set<std::int64_t>(all.begin(), all.end()).size() < all.size();
}

TEST(MaySelfOverlap, NeverMisses) {
  std::mt19937_64 random(4);
  int shared = 0;
  int denied = 0;
  for (int round = 0; round < 20000; ++round) {
    Dims shape;
    Dims strides;
    for (std::uint64_t axis = random() % 5; axis > 0; --axis) {
      shape.push_back(static_cast<std::int64_t>(random() % 5));
      strides.push_back(static_cast<std::int64_t>(random() % 61) - 30);
    }
    const bool truth = shares_with_itself(shape, strides);
    const bool answer = may_self_overlap(shape, strides);
    ASSERT_TRUE(answer || !truth) << text({0, shape, strides, 4});
    shared += truth;
    denied += !answer;
  }
  EXPECT_GT(shared, 1000);
  EXPECT_GT(denied, 1000);
}

TEST(MaySelfOverlap, IsExactForNestedStrides) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 5000; ++round) {
    std::vector<int> order{0, 1, 2, 3};
    std::shuffle(order.begin(), order.end(), random);
    Dims shape{1, 1, 1, 1};
    Dims strides{0, 0, 0, 0};  // a single element never repeats, whatever its stride
    std::int64_t covered = 0;
    for (const int axis : order) {
      shape[axis] = 1 + static_cast<std::int64_t>(random() % 4);
      if (shape[axis] == 1) continue;
      const std::int64_t stride = covered + 1 + static_cast<std::int64_t>(random() % 3);
      strides[axis] = random() % 2 == 0 ? stride : -stride;
      covered += stride * (shape[axis] - 1);
    }
    ASSERT_FALSE(shares_with_itself(shape, strides));
    ASSERT_FALSE(may_self_overlap(shape, strides)) << text({0, shape, strides, 4});
    for (int axis = 0; axis < 4; ++axis) {
      if (shape[axis] == 1) continue;
      Dims broadcast = strides;
      broadcast[axis] = 0;
      ASSERT_TRUE(may_self_overlap(shape, broadcast));
    }
  }
}

TEST(MaySelfOverlap, SurvivesTheLargestStrides) {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  EXPECT_FALSE(may_self_overlap({2, 2}, {least, 1}));
  EXPECT_TRUE(may_self_overlap({2, 2}, {least, least}));
  EXPECT_FALSE(may_self_overlap({0, 5}, {0, 0}));
}

}  // namespace
}  // namespace plait
