// Why a plan is as it is: the answers of all algorithms.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include <plait/cost.hpp>
#include <plait/export.hpp>
#include <plait/limits.hpp>
#include <plait/machine.hpp>

namespace plait {

// One algorithm's answer to a problem.
struct Candidate {
  enum class Standing { chosen, runner_up, slower, refused };

  std::string algorithm;
  std::string summary;  // what it does, in one line
  Standing standing = Standing::refused;
  std::string reason;  // why it was chosen, why it is slower, or what refused it: with the number
  double factor = 0;   // predicted time / the chosen one's; 0 if refused
  Cost cost;           // zero if refused
};
PLAIT_API std::string_view name_of(Candidate::Standing standing);

// The block of a plan whose register tiles take sums of products, rows x delta of them.
struct TileBlock {
  int rows = 0;                     // output channels of a tile; 0 for algorithms of another kind
  int delta = 0;                    // pixels of a tile
  bool lanes_are_channels = false;  // of its vectors; else pixels
  bool inputs_by_offsets = false;   // each term's inputs are found by an offset; else panels
};

// Why a plan is as it is. Candidates are ordered: chosen, runner-up, slower ones, refused ones.
struct Explanation {
  std::string problem_line;
  std::string cpu;
  Target target = Target::emu128;
  int threads = 1;
  Limits limits;
  std::vector<Candidate> candidates;
  double reproducible_price = 1;  // predicted time of the pick / of the fastest
  std::string config = {};        // how the chosen one cuts up the work, in words; may be empty
  TileBlock block = {};           // likewise, in numbers
  // The problem line of the same sums over the same memory that everything here is about, where it
  // differs: all spellings of a layer are planned alike.
  std::string computed_as = {};

  const Candidate& chosen() const { return candidates.front(); }
};
PLAIT_API std::ostream& operator<<(std::ostream& out, const Explanation& explanation);

}  // namespace plait
