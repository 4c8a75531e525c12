#include "planner/workspace.hpp"

namespace plait {
namespace {

struct ThreadBuffer {
  AlignedBytes data;
  std::size_t size = 0;
  bool leased = false;
};
thread_local ThreadBuffer buffer;

}  // namespace

WorkspaceLease::WorkspaceLease(std::size_t bytes) {
  if (bytes == 0) return;
  if (buffer.leased) {
    own_ = allocate_aligned(bytes, "workspace");
    data_ = own_.get();
    return;
  }
  if (buffer.size < bytes) {
    buffer.data.reset();  // before the allocation, so that both never exist at once
    buffer.size = 0;
    buffer.data = allocate_aligned(bytes, "workspace");
    buffer.size = bytes;
  }
  buffer.leased = true;
  data_ = buffer.data.get();
}

WorkspaceLease::~WorkspaceLease() {
  if (data_ != nullptr && own_ == nullptr) buffer.leased = false;
}

void release_workspace() {
  if (buffer.leased) return;
  buffer.data.reset();
  buffer.size = 0;
}

}  // namespace plait
