// Runs work in child processes that share memory with this one. However a child ends, what it has
// written stays.
#pragma once

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <new>
#include <type_traits>

namespace plait {

// An array of T that children see and change. All its bytes are zero, which must be a valid T.
template <class T>
class SharedArray {
 public:
  explicit SharedArray(std::size_t size) : bytes_(size * sizeof(T)) {
    static_assert(std::is_trivially_destructible_v<T>);
    void* memory =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<T*>(memory);
  }
  SharedArray(const SharedArray&) = delete;
  SharedArray& operator=(const SharedArray&) = delete;
  ~SharedArray() { ::munmap(data_, bytes_); }

  T& operator[](std::size_t index) const { return data_[index]; }

 private:
  std::size_t bytes_;
  T* data_ = nullptr;
};

// Starts a child that runs `body` and ends with the status that it returns. It dies with its
// parent. Throws std::bad_alloc if there can be no more processes.
template <class Body>
pid_t start_child(Body body) {
  const pid_t child = ::fork();
  if (child < 0) throw std::bad_alloc();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = 1;
    try {
      status = body();
    } catch (...) {  // a child has nobody to catch it
      status = 1;
    }
    ::_exit(status);
  }
  return child;
}

}  // namespace plait
