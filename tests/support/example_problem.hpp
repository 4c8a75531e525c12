// A valid problem for tests to break, and the text with which a broken one is refused.
#pragma once

#include <string>

#include <plait/problem.hpp>

#include "support/calls.hpp"

namespace plait::test {

// The text with which `call` is refused.
template <class Call>
std::string refusal_of(Call call) {
  return error_of(Status::invalid_argument, call);
}

inline Problem example() {
  Problem p;
  p.n = 2;
  p.c_i = 6;
  p.h = 9;
  p.w = 7;
  p.c_o = 4;
  p.k_h = p.k_w = 3;
  p.padding = 1;
  return p;
}

}  // namespace plait::test
