// The last answers of a pure function, kept where it is asked the same again and again.
#pragma once

#include <array>
#include <cstddef>

#include <plait/machine.hpp>

namespace plait::kernels {

// For one thread. Key and Answer are plain values.
template <class Key, class Answer, std::size_t kCount>
class Recent {
 public:
  template <class Compute>
  Answer get(const Key& key, const Compute& compute) {
    for (std::size_t i = 0; i < known_; ++i) {
      if (entries_[i].key == key) return entries_[i].answer;
    }
    const Answer answer = compute();
    entries_[next_] = {key, answer};
    next_ = (next_ + 1) % kCount;
    if (known_ < kCount) ++known_;
    return answer;
  }

 private:
  struct Entry {
    Key key;
    Answer answer;
  };
  std::array<Entry, kCount> entries_ = {};
  std::size_t known_ = 0;
  std::size_t next_ = 0;  // the oldest, once all are known
};

// A request for a way to cut up work, with all of the machine that the answer depends on. The
// planner asks a room up to three times for one problem: whether, at what cost, and for the plan.
template <class Request>
struct BlockingQuestion {
  BlockingQuestion() = default;
  BlockingQuestion(const Request& request_, const Machine& machine)
      : request(request_), target(machine.target), caches(machine.caches), rates(machine.rates) {}

  Request request;
  Target target = Target::emu128;
  Caches caches;
  Rates rates;

  friend bool operator==(const BlockingQuestion&, const BlockingQuestion&) = default;
};

}  // namespace plait::kernels
