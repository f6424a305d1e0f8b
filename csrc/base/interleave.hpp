// Interleaves many searches on one thread, so that some run while others wait for memory.
//
// A search is a coroutine. Before it reads an address, it prefetches the cache line and suspends; when it resumes, the
// line is in the cache. (Jonathan, Minhas, Hunter, Levandoski, Nishanov, "Exploiting coroutines to attack the killer
// nanoseconds", PVLDB 2018.)
#pragma once

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

namespace infgram {

// The number of searches that run at a time: about the number of reads that a core keeps in flight.
inline constexpr std::size_t kInterleaved = 16;

// In a Strand, `co_await Fetch{address}` prefetches the cache line at `address` and lets other searches run.
struct Fetch {
  const void* address;
};

// In a Strand, `co_await IsAlone{}` tells whether it is the only search. Only then does it pay to prefetch lines that
// may not be needed.
struct IsAlone {};

// A running search: the return type of a coroutine that awaits Fetch and IsAlone only. It starts at the first resume().
// Its references must stay valid until it is done. A default-constructed one is done.
class Strand {
 public:
  struct promise_type {
    bool is_alone = false;
    std::exception_ptr error;

    Strand get_return_object() { return Strand(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { error = std::current_exception(); }

    struct Turn {
      bool is_ready;
      [[nodiscard]] bool await_ready() const noexcept { return is_ready; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      void await_resume() const noexcept {}
    };
    struct Answer {
      bool value;
      [[nodiscard]] bool await_ready() const noexcept { return true; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      [[nodiscard]] bool await_resume() const noexcept { return value; }
    };
    Answer await_transform(IsAlone) noexcept { return {is_alone}; }
    Turn await_transform(Fetch fetch) noexcept {
      if (!is_alone) __builtin_prefetch(fetch.address);
      return {is_alone};
    }
  };

  Strand() = default;
  Strand(Strand&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Strand& operator=(Strand&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;
  ~Strand() {
    if (handle_) handle_.destroy();
  }

  // Runs to the next Fetch. Returns whether the search is done. Throws what the coroutine threw.
  bool resume() {
    if (!handle_) return true;
    handle_.resume();
    if (!handle_.done()) return false;
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
    return true;
  }

  // Runs to the end without suspending.
  void run() {
    if (handle_) handle_.promise().is_alone = true;
    resume();
  }

 private:
  using Handle = std::coroutine_handle<promise_type>;
  explicit Strand(Handle handle) : handle_(handle) {}

  Handle handle_;
};

// Runs the searches start(0) to start(n - 1), up to kInterleaved at a time, until all are done. If one throws, drops
// the others and throws its exception.
template <class Start>
void interleave(std::size_t n, Start&& start) {
  if (n == 1) return start(std::size_t{0}).run();
  std::array<Strand, kInterleaved> strands;
  std::size_t n_running = std::min(n, kInterleaved);
  for (std::size_t i = 0; i < n_running; ++i) strands[i] = start(i);
  std::size_t next = n_running;
  while (n_running > 0) {
    for (std::size_t i = 0; i < n_running;) {
      if (!strands[i].resume()) {
        ++i;
      } else if (next < n) {
        strands[i++] = start(next++);
      } else {
        strands[i] = std::move(strands[--n_running]);
      }
    }
  }
}

}  // namespace infgram
