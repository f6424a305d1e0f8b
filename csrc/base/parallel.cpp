#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace infgram {

void parallel_for(std::size_t n_tasks, std::size_t n_threads,
                  const std::function<void(std::size_t, std::size_t)>& task) {
  std::atomic<std::size_t> next_task = 0;
  std::exception_ptr first_failure;
  std::mutex failure_mutex;

  const auto work = [&](std::size_t worker) {
    for (std::size_t i = next_task++; i < n_tasks; i = next_task++) {
      try {
        task(i, worker);
      } catch (...) {
        const std::scoped_lock lock(failure_mutex);
        if (!first_failure) first_failure = std::current_exception();
        next_task = n_tasks;
        return;
      }
    }
  };

  {
    std::vector<std::jthread> helpers;
    const std::size_t n_workers = std::clamp<std::size_t>(n_tasks, 1, std::max<std::size_t>(n_threads, 1));
    helpers.reserve(n_workers - 1);
    for (std::size_t worker = 1; worker < n_workers; ++worker) helpers.emplace_back(work, worker);
    work(0);
  }
  if (first_failure) std::rethrow_exception(first_failure);
}

void watched_parallel_for(std::size_t n_tasks, std::size_t n_threads,
                          const std::function<void(std::size_t, const std::stop_token&)>& task,
                          const std::function<void()>& poll) {
  std::stop_source stop;
  const auto unless_stopped = [&](std::size_t i, std::size_t) {
    if (stop.stop_requested()) return;
    try {
      task(i, stop.get_token());
    } catch (...) {
      stop.request_stop();
      throw;
    }
  };
  auto work = std::async(std::launch::async, [&] { parallel_for(n_tasks, n_threads, unless_stopped); });
  try {
    while (work.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout) poll();
  } catch (...) {
    stop.request_stop();
    work.wait();
    throw;
  }
  work.get();
}

}  // namespace infgram
