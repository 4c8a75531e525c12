// How many channels two layers need between them to be a kernel exactly.
#pragma once

#include <atomic>
#include <vector>

#include <plait/rewrite/decompose.hpp>

#include "rewrite/decompose/plane.hpp"

namespace plait::rewrite {

// For every split of the size into two kernels that are both larger than 1x1 (of kernels larger
// than 15x15 only into a column and a row of kernels), the most that a group needs. `first_rank`
// and `last_rank` are the exact ranks of channels_first and channels_last, `shared_rank` that of
// spatial_shared, or 0 if not known.
struct KnownRanks {
  std::int64_t first_rank = 0;
  std::int64_t last_rank = 0;
  std::int64_t shared_rank = 0;
};
std::vector<MiddleChannels> middle_channels(const ScaledKernel& kernel, const KnownRanks& known,
                                            const std::atomic<bool>* cancel);

}  // namespace plait::rewrite
