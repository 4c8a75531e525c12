// The program gnuplot, which draws charts.
#pragma once

#include <string>
#include <string_view>

namespace plait::cli {

// Runs gnuplot on a script, without a shell and without the user's start-up file, and returns what
// it writes to standard output. Throws Error: Status::unsupported, saying what to install, if there
// is no gnuplot; Status::io with gnuplot's own words if it fails; Status::cancelled on an
// interrupt.
std::string run_gnuplot(std::string_view script);

}  // namespace plait::cli
