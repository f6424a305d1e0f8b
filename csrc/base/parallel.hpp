// Work on several threads, bounded by the number asked for; no thread outlives the call.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

namespace infgram {

// Runs task(i, worker) for every i in [0, n_tasks), each once, on at most n_threads threads (the caller's is one of
// them). Tasks are handed out in ascending order as workers become free; `worker` is in [0, n_threads) and no two
// tasks with one worker number run at the same time, so that scratch memory can be kept per worker.
// The first exception stops the handing out, and is thrown again here once all workers have stopped.
void parallel_for(std::size_t n_tasks, std::size_t n_threads,
                  const std::function<void(std::size_t task, std::size_t worker)>& task);

// As parallel_for, while the caller's thread calls poll() some times a second. When poll or a task throws, `stop` asks
// the tasks that run to end; no other is begun, and the exception is thrown again here once all have stopped.
void watched_parallel_for(std::size_t n_tasks, std::size_t n_threads,
                          const std::function<void(std::size_t task, const std::stop_token& stop)>& task,
                          const std::function<void()>& poll);

}  // namespace infgram
