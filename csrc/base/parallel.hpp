// Parallel loops with a bounded number of threads. No thread outlives the call.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

namespace infgram {

// Calls task(i, worker) once for every i in [0, n_tasks), on at most n_threads threads including the caller's. Tasks
// start in ascending order as workers become free. `worker` is in [0, n_threads); two tasks with the same worker number
// never run at the same time, so scratch memory can be kept per worker.
// After the first exception no further task starts; the exception is rethrown once all workers have stopped.
void parallel_for(std::size_t n_tasks, std::size_t n_threads,
                  const std::function<void(std::size_t task, std::size_t worker)>& task);

// Like parallel_for, but the caller's thread calls poll() several times a second instead of working. If poll or a task
// throws, no further task starts and `stop` asks the running ones to end; the exception is rethrown once all have
// stopped.
void watched_parallel_for(std::size_t n_tasks, std::size_t n_threads,
                          const std::function<void(std::size_t task, const std::stop_token& stop)>& task,
                          const std::function<void()>& poll);

}  // namespace infgram
