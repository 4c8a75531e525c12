// The machine that this process really runs on.
#pragma once

#include <plait/machine.hpp>

#include <string>

namespace plait {

// What /proc and /sys below `root` tell, whatever the environment says.
Machine read_system(const std::string& root);

// This process's own, read at the first call. Threads and children are started for it, not for
// host_machine(): that one may be a described machine with more cores than there are here.
const Machine& system_machine();

}  // namespace plait
