// Lets parts of parallel tasks run in the order of the tasks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

namespace infgram {

// Admits tasks one at a time, in ascending order of their numbers from 0. Safe for concurrent use.
class Turnstile {
 public:
  // Waits until every task before `task` has passed, then runs `work` while no other task's work runs. Calls `poll`
  // several times a second while waiting. An exception of `work` or `poll` closes the turnstile.
  // Returns false, without running `work`, if the turnstile is closed, that is, if another task failed.
  bool pass(std::size_t task, const std::function<void()>& work, const std::function<void()>& poll) {
    std::unique_lock lock(mutex_);
    try {
      while (next_ != task && !is_closed_) {
        if (passed_.wait_for(lock, std::chrono::milliseconds(100)) == std::cv_status::timeout) poll();
      }
      if (is_closed_) return false;
      work();
    } catch (...) {
      is_closed_ = true;
      passed_.notify_all();
      throw;
    }
    ++next_;
    passed_.notify_all();
    return true;
  }

  // Closes the turnstile, so that no further task passes. Call it when a task fails before its turn.
  void close() {
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
    passed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable passed_;
  std::size_t next_ = 0;
  bool is_closed_ = false;
};

}  // namespace infgram
