// What a sweep over delta found, as tables, in words and as JSON.
#pragma once

#include <string>

#include "bench/bench_sweep.hpp"
#include "io/json.hpp"

namespace plait::cli {

// Tables of what each delta takes and of its times, and the explanation.
std::string delta_sweep_text(const DeltaSweep& sweep);

// A document: "plait.bench_sweep/1". What "plait.bench/1" says of a problem, each delta says, and
// its tile, loads and predicted parts beside it.
Json to_json(const DeltaSweep& sweep);

}  // namespace plait::cli
