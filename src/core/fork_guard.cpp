#include "core/fork_guard.hpp"

#include <pthread.h>

namespace plait {
namespace {

constinit std::mutex guard;

// The handlers are registered when the library is loaded.
[[maybe_unused]] const int registered =
    pthread_atfork([] { guard.lock(); }, [] { guard.unlock(); }, [] { guard.unlock(); });

}  // namespace

std::mutex& fork_guard() { return guard; }

}  // namespace plait
