// Indexes whose files an attacker wrote: small healthy shards, altered as the bytes of an input say, under checksums
// that fit.
#pragma once

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../check.hpp"
#include "base/checksum.hpp"
#include "base/errors.hpp"
#include "index/index.hpp"
#include "index/shard_writer.hpp"

namespace fuzz {

using namespace infgram;

using Bytes = std::vector<std::uint8_t>;

// Reads numbers from an input; zeros after its end.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool is_at_end() const { return bytes_.empty(); }
  [[nodiscard]] std::span<const std::uint8_t> rest() const { return bytes_; }

  template <class Integer>
  Integer next() {
    std::array<std::uint8_t, sizeof(Integer)> raw{};
    const std::size_t n = std::min(raw.size(), bytes_.size());
    std::copy_n(bytes_.begin(), n, raw.begin());
    bytes_ = bytes_.subspan(n);
    Integer value;
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

// One file: header, payload and padding, in parts that can be altered one by one.
struct File {
  SectionHeader header;
  Bytes payload;
  std::array<std::uint8_t, kPaddingBytes> padding{};

  static File parse(const Bytes& content) {
    File file;
    std::memcpy(&file.header, content.data(), sizeof file.header);
    file.payload.assign(content.begin() + sizeof file.header, content.end() - kPaddingBytes);
    std::copy(content.end() - kPaddingBytes, content.end(), file.padding.begin());
    return file;
  }

  [[nodiscard]] std::uint64_t n_elements() const {
    return header.element_bits == 0 ? 0 : payload.size() * 8 / header.element_bits;
  }
  [[nodiscard]] std::uint64_t element(std::uint64_t i) const {
    std::uint64_t value = 0;
    for (unsigned b = 0; b < std::min(header.element_bits, 64U); ++b) {
      const std::uint64_t bit = i * header.element_bits + b;
      value |= std::uint64_t{(payload[bit / 8] >> (bit % 8)) & 1U} << b;
    }
    return value;
  }
  void set_element(std::uint64_t i, std::uint64_t value) {
    for (unsigned b = 0; b < std::min(header.element_bits, 64U); ++b) {
      const std::uint64_t bit = i * header.element_bits + b;
      const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
      payload[bit / 8] =
          static_cast<std::uint8_t>((value >> b & 1) != 0 ? payload[bit / 8] | mask : payload[bit / 8] & ~mask);
    }
  }
};

struct Layout {
  unsigned token_bits;
  std::uint64_t vocab_size;
  std::size_t n_shards;
  int n_documents;  // 12 are enough for stored contexts
};

inline constexpr std::array<Layout, 6> kLayouts = {
    {{8, 24, 1, 3}, {16, 300, 1, 12}, {32, 24, 1, 3}, {8, 255, 2, 3}, {16, 24, 2, 12}, {32, 24, 2, 3}}};

// The shards of one layout, whose files an input alters. Only what an input alters is written, and the next input puts
// it back.
class Base {
 public:
  explicit Base(const Layout& layout) : layout_(layout) {
    for (std::size_t s = 0; s < layout.n_shards; ++s) {
      folders_.push_back(root_.path() / std::to_string(s));
      std::filesystem::create_directory(folders_.back());
      ShardWriter writer(folders_.back(), layout.vocab_size, layout.token_bits);
      std::uint64_t line = 0;
      for (const auto& document : documents(s)) {
        writer.add_document(document, R"({"a": 1})", {line < 9 ? "one.txt" : "two.txt", ++line % 12});
        if (text_.size() < 400) text_.insert(text_.end(), document.begin(), document.end());
      }
      writer.finish();
      sort_shard(folders_.back(), {}, [](std::uint64_t) {});
      for (const SectionName& name : kSectionNames) files_.emplace_back(folders_.back() / name.file_name);
    }
  }

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] const std::vector<std::filesystem::path>& folders() const { return folders_; }
  [[nodiscard]] std::span<const TokenId> text() const { return text_; }

  // The content of a file, to be altered before write().
  [[nodiscard]] File& altered(std::size_t shard, std::size_t section) {
    FileOnDisk& file = files_[shard % layout_.n_shards * kSectionNames.size() + section];
    file.is_altered = true;
    return file.content;
  }

  // Makes all files healthy, in memory.
  void restore() {
    for (FileOnDisk& file : files_) {
      if (!file.is_altered) continue;
      file.content = file.healthy;
      file.is_altered = false;
      file.is_stale = true;
    }
  }

  // Writes what differs on the disk.
  void write(bool with_true_checksums) {
    if (with_true_checksums) {
      for (std::size_t s = 0; s < layout_.n_shards; ++s) set_checksums(s);
    }
    for (FileOnDisk& file : files_) {
      if (file.is_altered || file.is_stale) file.write();
    }
  }

  // Replaces a file as a whole.
  void replace(std::size_t section, std::span<const std::uint8_t> bytes) {
    files_[section].is_altered = true;
    files_[section].write({{{const_cast<std::uint8_t*>(bytes.data()), bytes.size()}, {}, {}}});
  }

 private:
  struct FileOnDisk {
    explicit FileOnDisk(const std::filesystem::path& path)
        : healthy(File::parse(read(path))), content(healthy), descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
      size_bytes = ::lseek(descriptor, 0, SEEK_END);
    }

    void write() {
      write({{{&content.header, sizeof content.header},
              {content.payload.data(), content.payload.size()},
              {content.padding.data(), content.padding.size()}}});
      is_stale = false;
    }

    void write(std::array<iovec, 3> parts) {
      off_t n_bytes = 0;
      for (const iovec& part : parts) n_bytes += static_cast<off_t>(part.iov_len);
      if (::pwritev(descriptor, parts.data(), parts.size(), 0) != n_bytes) std::abort();
      if (n_bytes < size_bytes && ::ftruncate(descriptor, n_bytes) != 0) std::abort();
      size_bytes = n_bytes;
    }

    File healthy;
    File content;
    int descriptor;           // never closed
    off_t size_bytes;         // on the disk
    bool is_altered = false;  // by the current input
    bool is_stale = false;    // altered on the disk by an earlier input
  };

  void set_checksums(std::size_t shard) {
    const auto files = std::span(files_).subspan(shard * kSectionNames.size(), kSectionNames.size());
    if (files[0].is_altered) {
      const std::uint64_t of_tokens = Checksum::of(std::as_bytes(std::span(files[0].content.payload)));
      for (FileOnDisk& file : files) {
        file.content.header.shard_checksum = of_tokens;
        file.is_altered = true;
      }
    }
    for (FileOnDisk& file : files) {
      if (!file.is_altered) continue;
      SectionHeader& header = file.content.header;
      header.payload_checksum = Checksum::of(std::as_bytes(std::span(file.content.payload)));
      header.header_checksum = Checksum::of(std::as_bytes(std::span(&header, 1)).first(56));
    }
  }

  static Bytes read(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  // Documents with a token that many others follow, passages that recur, and an empty one.
  [[nodiscard]] std::vector<std::vector<TokenId>> documents(std::size_t shard) const {
    std::uint32_t x = 12345 + static_cast<std::uint32_t>(shard);
    const auto random = [&x] { return (x = x * 1664525 + 1013904223) >> 16; };
    std::vector<std::vector<TokenId>> documents(2);
    for (int d = 0; d < layout_.n_documents; ++d) {
      std::vector<TokenId> document;
      for (int i = 0; i < 60; ++i) {
        document.push_back(7);
        document.push_back(static_cast<TokenId>(random() % 3 == 0 ? random() % layout_.vocab_size : random() % 12));
      }
      for (int i = 0; i < d; ++i) document.insert(document.end(), {1, 2, 3, 4, 5, 6});
      documents.push_back(std::move(document));
    }
    return documents;
  }

  Layout layout_;
  check::TemporaryFolder root_;
  std::vector<std::filesystem::path> folders_;
  std::vector<TokenId> text_;
  std::vector<FileOnDisk> files_;  // by shard, then by section
};

inline Base& base_of(std::size_t number) {
  static std::array<std::optional<Base>, kLayouts.size()> bases;
  if (std::filesystem::exists("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);  // in memory: thousands of files a second
  auto& base = bases[number % kLayouts.size()];
  if (!base) base.emplace(kLayouts[number % kLayouts.size()]);
  return *base;
}

// Alters a file as the next bytes of the input say.
inline void alter(File& file, Input& input) {
  const auto operation = input.next<std::uint8_t>();
  const std::uint64_t place = input.next<std::uint16_t>();
  const std::uint32_t raw = input.next<std::uint32_t>();
  const std::uint64_t n = file.n_elements();
  constexpr std::array<std::uint64_t, 12> kEdges = {
      0, 1, 2, 63, 64, 255, 256, 65535, 65536, 0xFFFFFFFF, std::uint64_t{1} << 56, ~std::uint64_t{0}};
  const std::uint64_t value = (raw & 0xFF) < 64 ? kEdges[raw % kEdges.size()] : raw >> 8;
  switch (operation % 14) {
    case 0:
      if (!file.payload.empty()) file.payload[place % file.payload.size()] ^= static_cast<std::uint8_t>(1U << raw % 8);
      break;
    case 1:
      if (!file.payload.empty()) file.payload[place % file.payload.size()] = static_cast<std::uint8_t>(raw);
      break;
    case 2:
    case 3:
      if (n > 0) file.set_element(place % n, value);
      break;
    case 4:
      if (n > 0) file.set_element(place % n, file.element(place % n) + (raw % 2 == 0 ? value : 0 - value));
      break;
    case 5:
      if (n > 0) file.set_element(place % n, file.element(raw % n));
      break;
    case 6:
      if (n > 0) {
        const std::uint64_t other = file.element(raw % n);
        file.set_element(raw % n, file.element(place % n));
        file.set_element(place % n, other);
      }
      break;
    case 7:
      for (std::uint64_t i = place; i < std::min<std::uint64_t>(n, place + raw % 300); ++i) file.set_element(i, value);
      break;
    case 8:  // also what the header says
      file.payload.resize(raw % 4 == 0 ? place % (2 * file.payload.size() + 9)
                                       : file.payload.size() - std::min<std::size_t>(file.payload.size(), place % 9),
                          static_cast<std::uint8_t>(raw >> 8));
      file.header.n_elements = file.n_elements();
      file.header.payload_bytes = file.payload.size();
      break;
    case 9:
      file.header.element_bits = static_cast<std::uint32_t>(place % 80);
      file.header.n_elements = file.n_elements();
      break;
    case 10: file.header.n_elements = value; break;
    case 11: file.header.payload_bytes = value; break;
    case 12:
      if (raw % 2 == 0) {
        file.header.format_version = static_cast<std::uint32_t>(place % 5);
      } else {
        file.header.kind = static_cast<SectionKind>(place % 13);
      }
      break;
    default: file.padding[place % file.padding.size()] = static_cast<std::uint8_t>(raw); break;
  }
}

// Writes the index that an input describes, and returns it with the input's unused bytes; nothing if it does not open.
// Any exception but an infgram::Error is a finding.
struct Opened {
  Base* base;
  Index index;
};
inline std::optional<Opened> open_hostile(Input& input) {
  Base& base = base_of(input.next<std::uint8_t>());
  const auto mode = input.next<std::uint8_t>();
  const unsigned n_edits = input.next<std::uint8_t>() % 12;
  base.restore();
  for (unsigned i = 0; i < n_edits; ++i) {
    const auto where = input.next<std::uint8_t>();
    alter(base.altered(where / kSectionNames.size(), where % kSectionNames.size()), input);
  }
  base.write(mode % 16 != 0);
  try {
    // In memory, because ASan knows the bounds of memory, but not of mapped files.
    return Opened{&base, Index::open(base.folders(), mode % 64 == 1 ? Access::kRandom : Access::kMemory)};
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Runs what may throw an infgram::Error.
template <class F>
void attempt(F&& f) {
  try {
    f();
  } catch (const Error&) {
    return;
  }
}

// Some sequences to ask for: a piece of the healthy text, altered by the input.
inline std::vector<TokenId> sequence_of(const Opened& opened, Input& input) {
  const auto text = opened.base->text();
  const std::size_t begin = input.next<std::uint16_t>() % text.size();
  const std::size_t size = std::min<std::size_t>(input.next<std::uint8_t>() % 32, text.size() - begin);
  std::vector<TokenId> tokens(text.begin() + static_cast<std::ptrdiff_t>(begin),
                              text.begin() + static_cast<std::ptrdiff_t>(begin + size));
  const auto altered = input.next<std::uint8_t>();
  if (!tokens.empty() && altered % 2 == 0) {
    tokens[altered % tokens.size()] = static_cast<TokenId>(input.next<std::uint16_t>() % opened.index.vocab_size());
  }
  std::erase_if(tokens, [&](TokenId token) { return token >= opened.index.vocab_size(); });
  return tokens;
}

// Runs one input; more than a second of processor time is a finding.
template <class F>
int within_a_second(F&& f) {
  const std::clock_t begin = std::clock();
  f();
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  if (seconds > 1) {
    std::fprintf(stderr, "an input took %.1f s of processor time\n", seconds);
    std::abort();
  }
  return 0;
}

}  // namespace fuzz

// Findings: an allocation of half a gigabyte, and a failed assertion. The quarantine holds what one input frees, in the
// processor's cache.
extern "C" [[gnu::visibility("default")]] const char* __asan_default_options() {  // NOLINT: the sanitizer's name
  return "max_allocation_size_mb=512:hard_rss_limit_mb=1024:quarantine_size_mb=1:handle_abort=1:malloc_context_size=2";
}

// The entry point of a target, called by libFuzzer or by driver.cpp.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
