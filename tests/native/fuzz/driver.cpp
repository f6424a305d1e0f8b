// Runs a fuzz target without libFuzzer: first every given file, then inputs that vary those that reached new code.
//
//   fuzz_query [--seconds N | --runs N] [--seed N] [--corpus FOLDER] [FILE_OR_FOLDER …]
//
// The corpus is read at the beginning, and gets the inputs that reach new code. An input that crashes is left in
// crash-<target>.bin in the current folder.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)());  // NOLINT: the sanitizer's name

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kLongest_s = 20;  // for one input, while the machine is busy
constexpr std::size_t kLongestInput = 400;

// The basic blocks of code that the current input passes, by their address: close blocks are close here, too. Threads
// that pass a block at the same moment may be counted once.
constexpr std::size_t kBlockBytes = 16;  // fewer than a traced block takes
constexpr std::size_t kBlocks = 1 << 20;
bool is_traced = false;
std::uint8_t n_passes[kBlocks];        // NOLINT: arrays, since the tracer must not call traced code
std::uint8_t known[kBlocks];           // NOLINT: a bit for each order of magnitude of n_passes
std::uint32_t passed_blocks[kBlocks];  // NOLINT
std::size_t n_passed_blocks = 0;
std::uint64_t n_steps = 0;  // blocks passed, with repetitions

}  // namespace

// Called at the beginning of every basic block of the core and the target (-fsanitize-coverage=trace-pc).
extern "C" [[gnu::no_sanitize("address", "undefined")]] void
__sanitizer_cov_trace_pc() {  // NOLINT: the compiler's name
  if (!is_traced) return;
  const auto place = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) -
                     reinterpret_cast<std::uintptr_t>(&LLVMFuzzerTestOneInput);
  const std::size_t block = place / kBlockBytes % kBlocks;
  ++n_steps;
  if (n_passes[block] == 0) passed_blocks[n_passed_blocks++] = static_cast<std::uint32_t>(block);
  if (n_passes[block] < 255) ++n_passes[block];
}

namespace {

Bytes current;
std::string crash_file;

void save(const std::filesystem::path& path, const Bytes& input) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(input.data(), 1, input.size(), file) != input.size() || std::fclose(file) != 0) {
    std::perror(path.c_str());
  }
}

void save_crash() {
  is_traced = false;
  save(crash_file, current);
  std::fprintf(stderr, "the input is in %s\n", crash_file.c_str());
}

void stop(int) {
  std::fprintf(stderr, "an input took more than %u s\n", kLongest_s);
  save_crash();
  std::_Exit(1);
}

Bytes read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void read_all(const std::filesystem::path& path, std::vector<Bytes>& inputs) {
  if (!std::filesystem::is_directory(path)) {
    inputs.push_back(read(path));
    return;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) inputs.push_back(read(entry.path()));
  }
}

// An input that reached new code, or passed known code more often.
struct Kept {
  Bytes input;
  std::uint64_t n_steps;
};

class Fuzzer {
 public:
  Fuzzer(std::uint64_t seed, std::filesystem::path corpus) : random_(seed), corpus_(std::move(corpus)) {}

  [[nodiscard]] std::size_t n_kept() const { return kept_.size(); }
  [[nodiscard]] std::size_t n_blocks() const { return n_blocks_; }

  // Runs an input, and keeps it if it is new.
  void run(Bytes input) {
    current = std::move(input);
    n_steps = 0;
    ::alarm(kLongest_s);
    is_traced = true;
    LLVMFuzzerTestOneInput(current.data(), current.size());
    is_traced = false;
    ::alarm(0);
    if (!reached_new()) return;
    if (!corpus_.empty()) save(corpus_ / name_of(current), current);
    kept_.push_back({current, n_steps});
  }

  // Returns a random input, or a variation of a kept one.
  Bytes invent() {
    Bytes input;
    if (kept_.empty() || below(16) == 0) {
      insert_random(input, 0, below(120));
      if (input.size() > 3) input[2] = static_cast<std::uint8_t>(below(4));  // few edits reach further
      return input;
    }
    input = choose().input;
    for (std::size_t n = std::size_t{1} << below(5); n > 0; --n) vary(input);
    return input;
  }

 private:
  [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  // Of four, the one that takes the fewest steps: many cheap inputs find more than a few expensive ones.
  [[nodiscard]] const Kept& choose() {
    std::array<const Kept*, 4> some;
    for (const Kept*& kept : some) kept = &kept_[below(kept_.size())];
    return **std::ranges::min_element(some, {}, &Kept::n_steps);
  }

  void insert_random(Bytes& input, std::size_t at, std::size_t n) {
    const auto begin = input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), n, 0);
    std::generate_n(begin, n, [&] { return static_cast<std::uint8_t>(random_()); });
  }

  // Changes, inserts, removes or copies some bytes.
  void vary(Bytes& input) {
    constexpr std::array<std::uint8_t, 8> kEdges = {0, 1, 2, 63, 64, 127, 128, 255};
    if (input.empty()) input.push_back(0);
    const std::size_t at = below(input.size());
    const std::size_t n = std::min(1 + below(below(4) == 0 ? 32 : 8), input.size() - at);
    const auto begin = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(8)) {
      case 0:
      case 1: input[at] = static_cast<std::uint8_t>(random_()); break;
      case 2: input[at] ^= static_cast<std::uint8_t>(1U << below(8)); break;
      case 3: input[at] = static_cast<std::uint8_t>(input[at] + 1 + below(8) * 31); break;
      case 4: input[at] = kEdges[below(kEdges.size())]; break;
      case 5: input.erase(begin, begin + static_cast<std::ptrdiff_t>(n)); break;
      case 6: insert_random(input, at, n); break;
      default: {  // bytes of another input take their place, or come before them
        const Bytes& other = kept_[below(kept_.size())].input;
        if (other.empty()) break;
        const std::size_t from = below(other.size());
        const std::size_t size = std::min(1 + below(40), other.size() - from);
        const Bytes piece(other.begin() + static_cast<std::ptrdiff_t>(from),
                          other.begin() + static_cast<std::ptrdiff_t>(from + size));
        if (below(2) == 0) input.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, input.size() - at)));
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
      }
    }
    if (input.size() > kLongestInput) input.resize(kLongestInput);
  }

  // Whether the last run passed a block for the first time, or as often as never before. Clears the counts.
  bool reached_new() {
    bool is_new = false;
    for (std::size_t i = 0; i < n_passed_blocks; ++i) {
      const std::uint32_t block = passed_blocks[i];
      const auto magnitude = static_cast<std::uint8_t>(1U << (std::bit_width(n_passes[block]) - 1U));
      n_blocks_ += known[block] == 0 ? 1 : 0;
      is_new = is_new || (known[block] & magnitude) == 0;
      known[block] |= magnitude;
      n_passes[block] = 0;
    }
    n_passed_blocks = 0;
    return is_new;
  }

  static std::string name_of(const Bytes& input) {
    std::array<char, 20> name;
    std::snprintf(name.data(), name.size(), "%016llx",
                  static_cast<unsigned long long>(infgram::Checksum::of(std::as_bytes(std::span(input)))));
    return name.data();
  }

  std::mt19937_64 random_;
  std::filesystem::path corpus_;
  std::vector<Kept> kept_;
  std::size_t n_blocks_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seconds = 0;
  std::uint64_t runs = 0;
  std::uint64_t seed = std::random_device()();
  std::filesystem::path corpus;
  std::vector<Bytes> given;
  const std::string name = std::filesystem::path(argv[0]).filename().string();
  crash_file = "crash-" + name + ".bin";
  __sanitizer_set_death_callback(save_crash);
  std::signal(SIGALRM, stop);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--") && i + 1 < argc) {
      const char* const value = argv[++i];
      if (argument == "--corpus") corpus = value;
      if (argument == "--seconds") seconds = std::strtoull(value, nullptr, 10);
      if (argument == "--runs") runs = std::strtoull(value, nullptr, 10);
      if (argument == "--seed") seed = std::strtoull(value, nullptr, 10);
    } else {
      read_all(argument, given);
    }
  }
  if (!corpus.empty()) {
    std::filesystem::create_directories(corpus);
    read_all(corpus, given);
  }
  Fuzzer fuzzer(seed, corpus);
  for (const Bytes& input : given) fuzzer.run(input);
  std::printf("%s: replayed %zu inputs, seed %llu\n", name.c_str(), given.size(),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::uint64_t n_runs = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  while (n_runs < runs || (seconds > 0 && elapsed() < static_cast<double>(seconds))) {
    fuzzer.run(fuzzer.invent());
    ++n_runs;
  }
  std::printf("%s: %llu executions in %.1f s, %zu blocks of code reached by %zu inputs, seed %llu\n", name.c_str(),
              static_cast<unsigned long long>(n_runs), elapsed(), fuzzer.n_blocks(), fuzzer.n_kept(),
              static_cast<unsigned long long>(seed));
  return 0;
}
