// What tests of whole calls share: operands of a problem, the text of a refusal, compared bytes.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <plait/error.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

#include "support/random.hpp"

namespace plait::test {

// The text of the Error that `call` throws; its status must be `status`.
template <class Call>
std::string error_of(Status status, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), status) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

// Sets a variable of the environment, or unsets it if `value` is null, for a scope.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    value == nullptr ? unsetenv(name) : setenv(name, value, 1);
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// A NaN whose bits no computation makes, to fill outputs that must not be written.
template <class T>
Tensor<T> poisoned(const Dims& shape) {
  Tensor<T> tensor(shape);
  std::memset(tensor.data(), 0xff, static_cast<std::size_t>(tensor.size()) * sizeof(T));
  return tensor;
}

template <class T>
bool same_bytes(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0;
}

// How many of 40 results that eight threads compute side by side are not as expected.
template <class T, class Compute>
int wrong_side_by_side(const Tensor<T>& expected, Compute compute) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 5; ++repeat) wrong += same_bytes(compute(), expected) ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return wrong;
}

// Whether every byte is still that of poisoned().
template <class T>
bool untouched(const Tensor<T>& tensor) {
  return same_bytes(tensor, poisoned<T>(tensor.shape()));
}

}  // namespace plait::test
