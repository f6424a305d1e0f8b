// Progress callbacks from long native work.
#pragma once

#include <pybind11/functional.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "python/tokens.hpp"

namespace infgram::python {

using Callback = std::function<void(std::uint64_t)>;

// Returns a callback that calls `callback` at most every 50 ms and raises pending signals such as Ctrl-C. Call it
// without the GIL.
inline Callback throttled(const std::optional<Callback>& callback) {
  using Clock = std::chrono::steady_clock;
  return [callback, last = Clock::time_point{}](std::uint64_t n_done) mutable {
    const auto now = Clock::now();
    if (now - last < std::chrono::milliseconds(50)) return;
    last = now;
    const py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (callback) (*callback)(n_done);
  };
}

// Like throttled(), for work that reports how much more was done.
inline Callback counted(const std::optional<Callback>& callback) {
  return
      [poll = throttled(callback), n_done = std::uint64_t{0}](std::uint64_t n_more) mutable { poll(n_done += n_more); };
}

}  // namespace infgram::python
