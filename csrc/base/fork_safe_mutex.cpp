#include "base/fork_safe_mutex.hpp"

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace infgram {
namespace {

constexpr std::uint32_t kForking = std::uint32_t{1} << 31;

// The number of threads that hold a ForkSafeMutex or wait for another thread's, plus kForking while a thread forks.
// Global, because a process forks as a whole.
std::atomic<std::uint32_t> state = 0;

void wait_until_not_forking() {
  for (std::uint32_t seen = state.load(); (seen & kForking) != 0; seen = state.load()) state.wait(seen);
}

void leave() {
  if (state.fetch_sub(1) == kForking + 1) state.notify_all();
}

void enter() {
  while ((state.fetch_add(1) & kForking) != 0) {
    leave();
    wait_until_not_forking();
  }
}

void before_fork() {
  while ((state.fetch_or(kForking) & kForking) != 0) wait_until_not_forking();  // another thread forks
  for (std::uint32_t seen = state.load(); seen != kForking; seen = state.load()) state.wait(seen);
}

void after_fork_in_parent() {
  state.fetch_and(~kForking);
  state.notify_all();
}

void after_fork_in_child() { state.store(0); }  // threads that were waiting do not exist here

[[maybe_unused]] const int registered = ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

}  // namespace

void ForkSafeMutex::lock() {
  enter();
  mutex_.lock();
}

void ForkSafeMutex::unlock() {
  mutex_.unlock();
  leave();
}

}  // namespace infgram
