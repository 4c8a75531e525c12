// The library's own workspace, one buffer per thread. A run that needs more lets it grow, and later
// runs use it again, so that the memory of runs over changing shapes stays bounded.
#pragma once

#include <cstddef>

#include "core/tensor/aligned_buffer.hpp"

namespace plait {

// Leases the calling thread's buffer for one run. A run inside another run (an executor may start
// one in a task) gets a buffer of its own.
class WorkspaceLease {
 public:
  explicit WorkspaceLease(std::size_t bytes);  // throws Error if there is no memory
  ~WorkspaceLease();
  WorkspaceLease(const WorkspaceLease&) = delete;
  WorkspaceLease& operator=(const WorkspaceLease&) = delete;

  std::byte* data() const { return data_; }  // null for 0 bytes; aligned to 64

 private:
  std::byte* data_ = nullptr;
  AlignedBytes own_;  // the buffer of a run inside another
};

// Frees the calling thread's buffer, unless a run is using it.
void release_workspace();

}  // namespace plait
