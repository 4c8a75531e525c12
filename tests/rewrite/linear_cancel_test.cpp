// Ending decompositions early: Eigen's own, from within.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <plait/rewrite/decompose.hpp>
#include <plait/rewrite/inspect.hpp>

#include "core/random.hpp"
#include "rewrite/linear/cancel.hpp"
#include "rewrite/linear/products.hpp"
#include "rewrite/linear/svd.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

using rewrite::Cancellable;
using rewrite::Matrix;

constexpr const char* kMessage = "cancelled while a matrix was decomposed";

Matrix random_matrix(std::int64_t rows, std::int64_t cols) {
  Matrix matrix(rows, cols);
  Random random(1);
  for (double& value : matrix.values) value = random.normal();
  return matrix;
}

TEST(LinearCancel, BeforeTheWorkStarts) {
  const std::atomic<bool> cancel = true;
  const Cancellable cancellable(&cancel);
  const Matrix small = random_matrix(4, 3);
  const Matrix large = random_matrix(40, 30);
  for (const Matrix& matrix : {small, large}) {
    EXPECT_EQ(error_of(Status::cancelled, [&] { rewrite::svd(matrix, true); }), kMessage);
    EXPECT_EQ(error_of(Status::cancelled, [&] { rewrite::svd(matrix, false); }), kMessage);
    EXPECT_EQ(error_of(Status::cancelled, [&] { rewrite::svd_by_halves(matrix); }), kMessage);
    EXPECT_EQ(error_of(Status::cancelled, [&] { rewrite::orthonormal(matrix); }), kMessage);
    EXPECT_EQ(error_of(Status::cancelled, [&] { rewrite::transposed_product(matrix, matrix); }),
              kMessage);
  }
}

// A flag of another scope or of another thread stops nothing here, and one that is not set changes
// no bit.
TEST(LinearCancel, OnlyInItsScopeAndThread) {
  const std::atomic<bool> unset = false;
  const std::atomic<bool> set = true;
  const Matrix matrix = random_matrix(40, 30);
  const auto expected = rewrite::svd(matrix, true).values;
  const Cancellable outer(&unset);
  {
    const Cancellable inner(&set);
    EXPECT_EQ(error_of(Status::cancelled, [&] { rewrite::svd(matrix, true); }), kMessage);
    std::thread([&] { EXPECT_EQ(rewrite::svd(matrix, true).values, expected); }).join();
    const Cancellable none(nullptr);
    EXPECT_EQ(rewrite::svd(matrix, true).values, expected);
  }
  EXPECT_EQ(rewrite::svd(matrix, true).values, expected);
}

// Sets the flag some milliseconds after the work has started, until one piece of work, which takes
// far longer, does not run to its end. If that never ends early, none of the attempts does.
template <class Work>
void expect_ended_early(const Work& work) {
  constexpr int kAttempts = 20;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::atomic<bool> started = false;
    std::atomic<bool> cancel = false;
    std::thread canceller([&] {
      while (!started) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      cancel = true;
    });
    bool ended_early = false;
    started = true;
    try {
      work(&cancel);
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::cancelled);
      EXPECT_NE(std::string(error.what()).find("cancelled while"), std::string::npos);
      ended_early = true;
    }
    canceller.join();
    if (ended_early) return;
  }
  FAIL() << "all " << kAttempts << " attempts ran to their end";
}

TEST(LinearCancel, InTheMiddleOfAnSvd) {
  const Matrix square = random_matrix(400, 400);
  const Matrix tall = random_matrix(1500, 300);
  for (const Matrix& matrix : {square, tall}) {
    for (const bool vectors : {false, true}) {
      expect_ended_early([&](const std::atomic<bool>* cancel) {
        const Cancellable cancellable(cancel);
        rewrite::svd(matrix, vectors);
      });
    }
  }
}

TEST(LinearCancel, InTheMiddleOfOneProduct) {
  const Matrix matrix = random_matrix(1000, 1000);
  expect_ended_early([&](const std::atomic<bool>* cancel) {
    const Cancellable cancellable(cancel);
    rewrite::product(matrix, matrix);
  });
}

TEST(LinearCancel, InTheMiddleOfAnalyses) {
  Tensor<float> kernel({400, 400, 1, 1});
  Random random(1);
  for (float& value : kernel) value = static_cast<float>(random.normal());
  expect_ended_early(
      [&](const std::atomic<bool>* cancel) { decompose(kernel, {.rank = 10, .cancel = cancel}); });
  expect_ended_early([&](const std::atomic<bool>* cancel) {
    InspectOptions options;
    options.cancel = cancel;
    inspect(kernel, options);
  });
}

}  // namespace
}  // namespace plait::test
