// The library's own workspace: one buffer per thread, grown when a run needs more and kept for the
// next, so that runs over changing shapes stay flat in memory.
#pragma once

#include <cstddef>

#include "core/tensor/aligned_buffer.hpp"

namespace plait {

// The calling thread's buffer for the time of one run. A run inside another (an executor may run
// a task of its own) gets a buffer of its own.
class WorkspaceLease {
 public:
  explicit WorkspaceLease(std::size_t bytes);  // Throws Error when there is no memory for it.
  ~WorkspaceLease();
  WorkspaceLease(const WorkspaceLease&) = delete;
  WorkspaceLease& operator=(const WorkspaceLease&) = delete;

  std::byte* data() const { return data_; }  // null for 0 bytes; aligned to 64

 private:
  std::byte* data_ = nullptr;
  AlignedBytes own_;  // of a run inside another
};

// Frees the calling thread's buffer, unless a run is using it.
void release_workspace();

}  // namespace plait
