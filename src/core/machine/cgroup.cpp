#include "core/machine/cgroup.hpp"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string_view>

#include "core/machine/system_files.hpp"

namespace plait {
namespace {

// Both versions give the CPU time a group may use in each period, in microseconds.
std::optional<double> quota_in_cpus(std::optional<std::int64_t> quota_us,
                                    std::optional<std::int64_t> period_us) {
  if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return std::nullopt;
  return static_cast<double>(*quota_us) / static_cast<double>(*period_us);
}

// Version 2: "200000 100000", or "max 100000" for no limit.
std::optional<double> read_v2(const std::string& folder) {
  const auto text = read_text(folder + "/cpu.max");
  if (!text) return std::nullopt;
  const std::string_view line = trimmed(*text);
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return quota_in_cpus(parse_number<std::int64_t>(line.substr(0, space)),
                       parse_number<std::int64_t>(line.substr(space)));
}

// Version 1: a quota of -1 stands for no limit.
std::optional<double> read_v1(const std::string& folder) {
  return quota_in_cpus(read_number<std::int64_t>(folder + "/cpu.cfs_quota_us"),
                       read_number<std::int64_t>(folder + "/cpu.cfs_period_us"));
}

std::optional<double> smaller(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The smallest quota of the group at `path` and of all groups around it, up to the mount. A
// container may see its own group as the mount's root while /proc gives the path on the host. Then
// no folder of the path exists, and only the mount's root is read, which is the right one.
template <class Read>
std::optional<double> smallest_upwards(const std::string& mount, std::string path, Read read) {
  // A process outside its namespace's root has a path such as "/../b": nothing to look up there.
  if (path.find("/..") != std::string::npos) path.clear();
  std::optional<double> quota;
  while (!path.empty()) {
    if (path != "/") quota = smaller(quota, read(mount + path));
    path.erase(path.rfind('/'));
  }
  return smaller(quota, read(mount));
}

bool lists_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

std::optional<double> cgroup_quota(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  const std::string folder = mounts + "/";
  std::istringstream lines(read_text(root + "/proc/self/cgroup").value_or(""));
  std::optional<double> quota;
  // Each line is "id:controllers:/path"; version 2 has no controllers in it.
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || second + 1 >= line.size() || line[second + 1] != '/') {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      // The second mount is the one of systems that run both versions side by side.
      for (const std::string& mount : {mounts, folder + "unified"}) {
        quota = smaller(quota, smallest_upwards(mount, path, read_v2));
      }
    } else if (lists_cpu(controllers)) {
      // Distributions link cpu, cpuacct and "cpu,cpuacct" to each other, but not all of them do.
      for (const std::string& name : {controllers, std::string("cpu")}) {
        quota = smaller(quota, smallest_upwards(folder + name, path, read_v1));
      }
    }
  }
  return quota;
}

}  // namespace plait
