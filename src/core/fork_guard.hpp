// Keeps state that is made lazily whole in a child of fork. The child has one thread. A lock that
// another thread of the parent held stays locked in the child forever, and so does the guard of a
// static object that another thread was just making. State that is made or changed under this mutex
// is complete in the child.
#pragma once

#include <mutex>

namespace plait {

// Locked before every fork, and unlocked after it in parent and child. Hold it briefly.
std::mutex& fork_guard();

}  // namespace plait
