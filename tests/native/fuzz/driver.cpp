// Runs a fuzz target without libFuzzer: first every given file, then random inputs.
//
//   fuzz_query [--seconds N | --runs N] [--seed N] [FILE_OR_FOLDER …]
//
// An input that crashes is left in crash-<target>.bin in the current folder.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)());  // NOLINT: the sanitizer's name

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kLongest_s = 20;  // for one input, while the machine is busy

Bytes current;
std::string crash_file;

void save() {
  std::FILE* const file = std::fopen(crash_file.c_str(), "wb");
  if (file == nullptr) return;
  std::fwrite(current.data(), 1, current.size(), file);
  std::fclose(file);
  std::fprintf(stderr, "the input is in %s\n", crash_file.c_str());
}

void stop(int) {
  std::fprintf(stderr, "an input took more than %u s\n", kLongest_s);
  save();
  std::_Exit(1);
}

void run(Bytes input) {
  current = std::move(input);
  ::alarm(kLongest_s);
  LLVMFuzzerTestOneInput(current.data(), current.size());
  ::alarm(0);
}

Bytes read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Half of the inputs are random, the others vary a seed or an earlier input.
Bytes invent(std::mt19937_64& random, std::vector<Bytes>& pool) {
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  Bytes input;
  if (pool.empty() || below(2) == 0) {
    input.resize(below(120));
    for (auto& byte : input) byte = static_cast<std::uint8_t>(random());
    if (input.size() > 3) input[2] = static_cast<std::uint8_t>(below(4));  // few edits reach further
  } else {
    input = pool[below(pool.size())];
    for (std::size_t n = 1 + below(4); n > 0 && !input.empty(); --n) {
      input[below(input.size())] = static_cast<std::uint8_t>(random());
    }
  }
  if (pool.size() < 1000) {
    pool.push_back(input);
  } else {
    pool[below(pool.size())] = input;
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seconds = 0;
  std::uint64_t runs = 0;
  std::uint64_t seed = std::random_device()();
  std::vector<Bytes> pool;
  const std::filesystem::path program = argv[0];
  crash_file = "crash-" + program.filename().string() + ".bin";
  __sanitizer_set_death_callback(save);
  std::signal(SIGALRM, stop);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--") && i + 1 < argc) {
      const std::uint64_t value = std::strtoull(argv[++i], nullptr, 10);
      if (argument == "--seconds") seconds = value;
      if (argument == "--runs") runs = value;
      if (argument == "--seed") seed = value;
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
        if (entry.is_regular_file()) pool.push_back(read(entry.path()));
      }
    } else {
      pool.push_back(read(argument));
    }
  }
  for (const Bytes& input : std::vector(pool)) run(input);
  std::printf("%s: replayed %zu inputs, seed %llu\n", program.filename().c_str(), pool.size(),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::mt19937_64 random(seed);
  std::uint64_t n_runs = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  while (n_runs < runs || (seconds > 0 && elapsed() < static_cast<double>(seconds))) {
    run(invent(random, pool));
    ++n_runs;
  }
  std::printf("%s: %llu executions in %.1f s, seed %llu\n", program.filename().c_str(),
              static_cast<unsigned long long>(n_runs), elapsed(), static_cast<unsigned long long>(seed));
  return 0;
}
