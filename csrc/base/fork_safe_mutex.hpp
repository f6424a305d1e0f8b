// A mutex that no other thread holds when the process forks.
#pragma once

#include <mutex>

namespace infgram {

// The child of a fork has one thread, the one that forked. A mutex that another thread held would stay locked in the
// child for ever, and what it protects would stay half-written. So fork() waits until no thread holds a ForkSafeMutex,
// and other threads wait to lock one until the fork is done. Parent and child go on with unlocked mutexes.
//
// REQUIRES that a thread holds it only for a short time, does not wait meanwhile for anything that the forking thread
// may hold, such as Python's GIL, and does not lock a second one. Cost: two atomic additions more than std::mutex.
class ForkSafeMutex {
 public:
  void lock();
  void unlock();

 private:
  std::mutex mutex_;
};

}  // namespace infgram
