// Checksums against published values; parallel loops.
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/checksum.hpp"
#include "base/parallel.hpp"
#include "check.hpp"

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

void test_checksum() {
  using infgram::Checksum;
  // XXH64 with seed 0, as printed by the programs of the xxhash project.
  check::that(Checksum::of(bytes_of("")) == 0xEF46DB3751D8E999);
  check::that(Checksum::of(bytes_of("a")) == 0xD24EC4F1A98C6E5B);
  check::that(Checksum::of(bytes_of("abc")) == 0x44BC2CF5AD770999);
  check::that(Checksum::of(bytes_of("Nobody inspects the spammish repetition")) == 0xFBCEA83C8A378BF1);

  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i);
  for (const std::size_t piece : {1UL, 7UL, 31UL, 32UL, 33UL, 500UL}) {
    Checksum checksum;
    for (std::size_t i = 0; i < text.size(); i += piece) checksum.update(bytes_of(text.substr(i, piece)));
    check::that(checksum.value() == Checksum::of(bytes_of(text)), "pieces of " + std::to_string(piece));
  }
}

void test_parallel_for() {
  for (const std::size_t n_threads : {1UL, 2UL, 5UL}) {
    std::vector<std::atomic<int>> n_runs(1000);
    infgram::parallel_for(n_runs.size(), n_threads, [&](std::size_t task, std::size_t worker) {
      ++n_runs[task];
      check::that(worker < n_threads);
    });
    for (const auto& n : n_runs) check::that(n == 1);
    infgram::parallel_for(0, n_threads, [](std::size_t, std::size_t) { check::that(false, "a task of none"); });
    check::throws<std::runtime_error>([&] {
      infgram::parallel_for(100, n_threads, [](std::size_t task, std::size_t) {
        if (task == 50) throw std::runtime_error("task 50");
      });
    });
  }
}

void test_watched_parallel_for() {
  for (const std::size_t n_threads : {1UL, 2UL, 5UL}) {
    std::vector<std::atomic<int>> n_runs(100);
    std::atomic<bool> was_polled = false;
    infgram::watched_parallel_for(
        n_runs.size(), n_threads,
        [&](std::size_t task, const std::stop_token&) {
          while (!was_polled) std::this_thread::yield();  // the caller's thread is free to poll
          ++n_runs[task];
        },
        [&] { was_polled = true; });
    for (const auto& n : n_runs) check::that(n == 1);

    const auto run_until_stopped = [](std::size_t, const std::stop_token& stop) {
      while (!stop.stop_requested()) std::this_thread::yield();
    };
    check::throws<std::runtime_error>([&] {
      infgram::watched_parallel_for(100, n_threads, run_until_stopped, [] { throw std::runtime_error("poll"); });
    });
    check::throws<std::runtime_error>([&] {
      const auto fail_last = [&](std::size_t task, const std::stop_token& stop) {
        if (task + 1 == n_threads) throw std::runtime_error("a task");
        run_until_stopped(task, stop);
      };
      infgram::watched_parallel_for(100, n_threads, fail_last, [] {});
    });
  }
}

}  // namespace

int main() {
  test_checksum();
  test_parallel_for();
  test_watched_parallel_for();
  return check::result();
}
