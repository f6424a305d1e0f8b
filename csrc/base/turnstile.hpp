// Parts of parallel tasks that happen in the order of the tasks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

namespace infgram {

// Lets one task after the other through, in the order of their numbers from 0 on. Safe for concurrent use.
class Turnstile {
 public:
  // Waits until every task before `task` has passed, then runs `work`, alone. `poll` is called some times a second
  // while waiting. What `work` or `poll` throws closes the turnstile.
  // Returns false, without running `work`, when it is closed: another task has failed.
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

  // Lets no task through any more: one has failed before its turn.
  void close() {
    const std::lock_guard lock(mutex_);
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
