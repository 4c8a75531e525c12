// Lazily made state and fork. A child of fork has one thread: a lock that another thread of the
// parent held stays locked in it forever, and so does the guard of a static object that another
// thread was just making. State that is made or changed under this mutex is whole in a child.
#pragma once

#include <mutex>

namespace plait {

// Taken before every fork and released after it in parent and child. Hold it briefly.
std::mutex& fork_guard();

}  // namespace plait
