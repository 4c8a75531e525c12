// The CPU quota that Linux control groups (containers, systemd slices) set on this process.
#pragma once

#include <optional>
#include <string>

namespace plait {

// The smallest quota, in CPUs, of the process's control group and the groups around it, versions 1
// and 2; nothing if there is none. Files are looked up below `root`.
std::optional<double> cgroup_quota(const std::string& root);

}  // namespace plait
