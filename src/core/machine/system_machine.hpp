// The machine that this process really runs on.
#pragma once

#include <plait/machine.hpp>

#include <string>

namespace plait {

// The machine as /proc and /sys below `root` describe it. The environment is not asked.
Machine read_system(const std::string& root);

// The machine of this process, read at the first call. Threads and child processes are started by
// it and not by host_machine(), which may be a described machine with more cores than this one.
const Machine& system_machine();

}  // namespace plait
