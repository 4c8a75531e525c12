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
  std::string reason;  // why it was chosen, is slower, or refused, with the number that decided
  double factor = 0;   // predicted time / that of the chosen algorithm; 0 if refused
  Cost cost;           // zero if refused
};
PLAIT_API std::string_view name_of(Candidate::Standing standing);

// The blocking of a plan whose register tiles are rows x columns sums of products.
struct TileBlock {
  int rows = 0;                     // output channels of a tile; 0: the algorithm has no such tiles
  int columns = 0;                  // pixels of a tile
  bool lanes_are_channels = false;  // lanes of its vectors hold channels; false: pixels
  bool inputs_by_offsets = false;   // a term's inputs lie at an offset in a strip; false: in panels
};

// Why a plan is as it is. The candidates are in order: chosen, runner-up, slower, refused.
struct Explanation {
  std::string problem_line;
  std::string cpu;
  Target target = Target::emu128;
  int threads = 1;
  Limits limits;
  std::vector<Candidate> candidates;
  double reproducible_price = 1;  // predicted time of the choice / that of the fastest
  std::string config = {};        // the blocking of the chosen algorithm, in words; may be empty
  TileBlock block = {};           // the same in numbers
  // All spellings of a layer are planned alike. Where the planned one differs from problem_line,
  // this is its line: the same sums over the same memory.
  std::string computed_as = {};

  const Candidate& chosen() const { return candidates.front(); }
};
PLAIT_API std::ostream& operator<<(std::ostream& out, const Explanation& explanation);

}  // namespace plait
