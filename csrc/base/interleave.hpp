// Many searches on one thread, so that one's wait for memory is another's time to run.
//
// A search is a coroutine that says which address it will read next and steps aside; when its turn comes again, the
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

// So many searches share the thread: as many reads as a core keeps under way.
inline constexpr std::size_t kInterleaved = 16;

// Inside a Strand, `co_await Fetch{address}` asks for the cache line at `address` and lets the others run.
struct Fetch {
  const void* address;
};

// Inside a Strand, `co_await IsAlone{}` says whether no other search runs: only then is it worth while to prefetch what
// may not be read.
struct IsAlone {};

// One search under way: what a coroutine that awaits nothing but Fetch returns. It starts when it is first resumed.
// What it refers to must live until it is done. An empty one is done from the start.
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

  // Runs to the next Fetch. Returns whether the search is done; throws what it threw.
  bool resume() {
    if (!handle_) return true;
    handle_.resume();
    if (!handle_.done()) return false;
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
    return true;
  }

  // Runs to the end without stepping aside.
  void run() {
    if (handle_) handle_.promise().is_alone = true;
    resume();
  }

 private:
  using Handle = std::coroutine_handle<promise_type>;
  explicit Strand(Handle handle) : handle_(handle) {}

  Handle handle_;
};

// Runs the searches start(0) to start(n - 1), kInterleaved of them at a time, until all are done. Throws what the
// first to fail threw; the others are then dropped where they stand.
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
