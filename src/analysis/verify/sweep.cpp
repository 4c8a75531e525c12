#include "analysis/verify/sweep.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <thread>

#include "analysis/verify/check.hpp"
#include "analysis/verify/child.hpp"
#include "core/machine/system_machine.hpp"

namespace plait {
namespace {

constexpr std::int64_t kMaxMultiplications = 400'000;  // a case then takes about a millisecond
constexpr int kAttempts = 1000;        // problems drawn until an algorithm takes one
constexpr unsigned kCaseSeconds = 60;  // a case that takes longer counts as hanging

// FNV-1a, so that each subject and case has independent random numbers.
std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

bool takes(const Case& test) {
  try {
    plan(test.problem, test.limits, test.machine);
    return true;
  } catch (const Error& error) {
    return !error.is_refusal();  // check() reports any other error
  }
}

// What a child reports of a subject, in shared memory.
struct SharedLoop {
  std::array<char, 24> name;
  std::int64_t rounds;
  bool covered;
};

struct SharedSubject {
  std::int64_t next;  // number of the case that runs, or that runs next, from 0
  std::int64_t ran;
  std::int64_t refused;
  std::int64_t outputs;
  double worst_bound_share;
  double squared_rms_share;  // summed over pooled outputs
  std::int64_t pooled_outputs;
  bool failed;
  std::array<char, 256> failure;
  std::array<SharedLoop, 8> loops;
};

struct SharedWorker {
  std::int64_t subject;  // the subject that runs
};

template <std::size_t kSize>
void copy_text(std::array<char, kSize>& to, const std::string& from) {
  const std::size_t length = std::min(from.size(), kSize - 1);
  std::memcpy(to.data(), from.data(), length);
  to[length] = '\0';
}

void record(const CheckResult& result, SharedSubject& shared) {
  if (result.refused) {
    ++shared.refused;
    return;
  }
  ++shared.ran;
  shared.outputs += result.outputs;
  shared.worst_bound_share = std::max(shared.worst_bound_share, result.worst_bound_share);
  if (result.rms_share) {
    shared.squared_rms_share +=
        *result.rms_share * *result.rms_share * static_cast<double>(result.outputs);
    shared.pooled_outputs += result.outputs;
  }
  for (std::size_t i = 0; i < std::min(result.loops.size(), shared.loops.size()); ++i) {
    SharedLoop& loop = shared.loops[i];
    copy_text(loop.name, result.loops[i].name);
    loop.rounds = std::max(loop.rounds, result.loops[i].rounds);
    loop.covered = loop.covered || result.loops[i].covered;
  }
}

// How a child ended that did not end normally.
std::string signal_text(int status) {
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGSEGV || signal == SIGBUS) return "reads or writes outside its operands";
  if (signal == SIGALRM) return "takes more than " + std::to_string(kCaseSeconds) + " s";
  if (signal != 0) return std::string("is ended by signal ") + std::to_string(signal);
  return "ends the process";  // a sanitizer, or exit()
}

// As many children as this machine has CPUs, or fewer if the environment limits threads.
std::size_t most_workers() {
  const int threads = system_machine().default_threads();
  return static_cast<std::size_t>(std::min(threads, host_machine().thread_limit.value_or(threads)));
}

class Sweep {
 public:
  Sweep(const VerifyOptions& options, const std::vector<Subject>& subjects)
      : options_(options),
        subjects_(subjects),
        shared_(subjects_.size()),
        next_subject_(1),
        workers_(most_workers()) {}

  std::vector<SubjectResult> run() {
    std::vector<pid_t> children;
    for (std::size_t w = 0; w < worker_count(); ++w) children.push_back(start_worker(w));
    while (std::any_of(children.begin(), children.end(), [](pid_t child) { return child != 0; })) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      for (std::size_t w = 0; w < children.size(); ++w) look_after(w, children[w]);
      tell_progress();
      if (options_.cancel != nullptr && options_.cancel->load()) stop(children);
    }
    std::vector<SubjectResult> results;
    for (std::size_t i = 0; i < subjects_.size(); ++i) results.push_back(result_of(i));
    return results;
  }

 private:
  std::size_t worker_count() const { return std::min(subjects_.size(), most_workers()); }

  pid_t start_worker(std::size_t worker) {
    return start_child([&] {
      for (;;) {
        const std::int64_t subject = next_subject_[0]++;
        if (subject >= static_cast<std::int64_t>(subjects_.size())) return 0;
        workers_[worker].subject = subject;
        run_subject(static_cast<std::size_t>(subject));
      }
    });
  }

  void run_subject(std::size_t index) {
    const Subject& subject = subjects_[index];
    SharedSubject& shared = shared_[index];
    for (; shared.next < subject.cases; ++shared.next) {
      ::alarm(kCaseSeconds);
      const CheckResult result = check(case_of(options_, subject, options_.first + shared.next));
      record(result, shared);
      if (!result.failure.empty()) {
        shared.failed = true;
        copy_text(shared.failure, result.failure);
        return;
      }
    }
  }

  // Reaps a child that has ended. If a case ended it, a new child takes over the other subjects.
  void look_after(std::size_t worker, pid_t& child) {
    int status = 0;
    if (child == 0 || ::waitpid(child, &status, WNOHANG) != child) return;
    child = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    SharedSubject& shared = shared_[static_cast<std::size_t>(workers_[worker].subject)];
    shared.failed = true;
    copy_text(shared.failure, signal_text(status));
    child = start_worker(worker);
  }

  void tell_progress() const {
    if (!options_.progress) return;
    std::int64_t done = 0;
    std::int64_t total = 0;
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      total += subjects_[i].cases;
      done += shared_[i].failed ? subjects_[i].cases : shared_[i].next;
    }
    options_.progress(done, total);
  }

  [[noreturn]] static void stop(const std::vector<pid_t>& children) {
    for (const pid_t child : children) {
      if (child == 0) continue;
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    throw Error(Status::cancelled, "the verification was cancelled");
  }

  SubjectResult result_of(std::size_t index) const {
    const SharedSubject& shared = shared_[index];
    SubjectResult result;
    VerifiedSubject& subject = result.seen;
    subject.algorithm = subjects_[index].algorithm;
    subject.target = subjects_[index].machine.target;
    subject.cases = shared.ran;
    subject.refused = shared.refused;
    subject.outputs = shared.outputs;
    subject.worst_bound_share = shared.worst_bound_share;
    for (const SharedLoop& loop : shared.loops) {
      if (loop.name[0] == '\0') break;
      subject.loops.push_back({loop.name.data(), loop.rounds, loop.covered});
    }
    result.squared_rms_share = shared.squared_rms_share;
    result.pooled_outputs = shared.pooled_outputs;
    if (shared.failed) {
      result.failed_number = options_.first + shared.next;
      result.failure = shared.failure.data();
    }
    return result;
  }

  const VerifyOptions& options_;
  const std::vector<Subject>& subjects_;
  SharedArray<SharedSubject> shared_;
  SharedArray<std::atomic<std::int64_t>> next_subject_;
  SharedArray<SharedWorker> workers_;
};

}  // namespace

Case case_of(const VerifyOptions& options, const Subject& subject, std::int64_t number) {
  Random random(mix(options.seed, subject.algorithm + " " +
                                      std::string(name_of(subject.machine.target)) + " " +
                                      std::to_string(number)));
  Case test;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const bool given = !options.problems.empty();
    const auto index =
        static_cast<std::uint64_t>(number) % std::max<std::uint64_t>(1, options.problems.size());
    const Problem problem =
        given ? options.problems[index] : random_problem(random, kMaxMultiplications);
    test = random_case(problem, subject.algorithm, options.accuracy, subject.machine, random);
    if (takes(test)) break;
  }
  return test;
}

std::string isolated_failure(const Case& test) {
  const SharedArray<std::array<char, 256>> message(1);
  const pid_t child = start_child([&] {
    ::alarm(kCaseSeconds);
    copy_text(message[0], check(test).failure);
    return 0;
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return signal_text(status);
  return message[0].data();
}

std::vector<SubjectResult> sweep(const VerifyOptions& options,
                                 const std::vector<Subject>& subjects) {
  return Sweep(options, subjects).run();
}

}  // namespace plait
