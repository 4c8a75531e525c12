// Blocks of channels between which all kernels are zero, and equal groups to put them in.
#pragma once

#include <cstdint>
#include <vector>

#include "rewrite/inspect/bank.hpp"

namespace plait::rewrite {

// Channels of y and of x, ascending.
struct Channels {
  std::vector<std::int64_t> outputs;
  std::vector<std::int64_t> inputs;
};

// The most equal groups of consecutive channels outside of which all kernels are zero.
std::int64_t stored_blocks(const KernelMap& map);

// The connected components of the graph that joins output o and input i where kernel [o, i] is not
// zero, without channels that no kernel joins; in the order of their first outputs.
std::vector<Channels> components_of(const KernelMap& map);

// Groups of whole components, all filled up to the same size.
struct Packing {
  std::vector<Channels> groups;  // in the order of their first outputs, not filled up
  std::int64_t outputs = 0;      // of each group once filled up
  std::int64_t inputs = 0;
  bool exhaustive = true;  // no other has fewer products

  std::int64_t products() const {
    return static_cast<std::int64_t>(groups.size()) * outputs * inputs;
  }
};

// The packing with the fewest products, groups x outputs x inputs, and at most `c_o` outputs in
// all; among equal ones that of fewer groups. Few components are searched through, for many a
// heuristic is used. There must be a component, and no more than c_o outputs.
Packing pack(const std::vector<Channels>& components, std::int64_t c_o);

}  // namespace plait::rewrite
