// Eigen as this folder uses it: each file here that needs it includes this first.
//
// Eigen's decompositions cannot be cancelled. But Eigen asserts its conditions everywhere, by a
// macro that may be redefined and may throw (its manual's page on assertions). Here the macro also
// looks at a flag: at every product and assignment of whole matrices or vectors, at every sum over
// one, and at every panel that a product packs. Eigen frees its memory when the macro throws.
#pragma once

#include <string_view>

namespace plait::rewrite {

// Throws if the flag is set that a Cancellable of this thread looks at. Not inline: there are
// thousands of places.
void stop_if_cancelled();

// Whether a condition in this file of Eigen's is stated often enough, and not for each element or
// block: looking there as well made SVDs of 64 x 64 and 512 x 512 take 1.5 and 1.3 times as long
// (AMD Zen 3 VM, Eigen 3.4, 2026-12-01), and looking in these takes nothing that can be measured.
constexpr bool is_worth_a_look(std::string_view file) {
  return file.ends_with("/Product.h") || file.ends_with("/AssignEvaluator.h") ||
         file.ends_with("/Redux.h") || file.ends_with("/GeneralBlockPanelKernel.h");
}

}  // namespace plait::rewrite

#define eigen_assert(condition)                                  \
  do {                                                           \
    if constexpr (::plait::rewrite::is_worth_a_look(__FILE__)) { \
      ::plait::rewrite::stop_if_cancelled();                     \
    }                                                            \
    eigen_plain_assert(condition);                               \
  } while (false)
// A program that links plait may use Eigen itself. The linker would take one of two functions of
// the same name for both.
#define Eigen plait_eigen
