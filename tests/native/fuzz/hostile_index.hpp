// Indexes whose files an attacker wrote: small healthy ones, altered as the bytes of an input say, under checksums that
// fit. Of infgram's own format, and of infini-gram's.
#pragma once

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../check.hpp"
#include "base/checksum.hpp"
#include "base/errors.hpp"
#include "index/index.hpp"
#include "index/shard_writer.hpp"
#include "query/removal.hpp"

namespace fuzz {

using namespace infgram;

using Bytes = std::vector<std::uint8_t>;

// Reads numbers from an input; zeros after its end.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool is_at_end() const { return bytes_.empty(); }

  template <class Integer>
  Integer next() {
    Integer value{};
    const auto raw = take(sizeof value);
    if (!raw.empty()) std::memcpy(&value, raw.data(), raw.size());
    return value;
  }

  // The next bytes, or those that are left.
  std::span<const std::uint8_t> take(std::size_t n) {
    const auto taken = bytes_.first(std::min(n, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

// One file: header, payload and padding, in parts that can be altered one by one; only a payload in files of
// infini-gram.
struct File {
  SectionHeader header;
  Bytes payload;
  std::array<std::uint8_t, kPaddingBytes> padding{};
  bool is_framed = true;

  static File framed(const Bytes& content) {
    File file;
    std::memcpy(&file.header, content.data(), sizeof file.header);
    file.payload.assign(content.begin() + sizeof file.header, content.end() - kPaddingBytes);
    std::copy(content.end() - kPaddingBytes, content.end(), file.padding.begin());
    return file;
  }

  static File unframed(Bytes payload, unsigned element_bits) {
    File file;
    file.header.element_bits = element_bits;
    file.payload = std::move(payload);
    file.is_framed = false;
    return file;
  }

  [[nodiscard]] std::uint64_t n_elements() const {
    return header.element_bits == 0 ? 0 : payload.size() * 8 / header.element_bits;
  }
  [[nodiscard]] std::uint64_t element(std::uint64_t i) const {
    std::uint64_t value = 0;
    visit_bytes(i, [&](std::size_t byte, unsigned shift, unsigned mask, unsigned done) {
      value |= std::uint64_t{payload[byte] >> shift & mask} << done;
    });
    return value;
  }
  void set_element(std::uint64_t i, std::uint64_t value) {
    visit_bytes(i, [&](std::size_t byte, unsigned shift, unsigned mask, unsigned done) {
      const auto bits = static_cast<unsigned>(value >> done) & mask;
      payload[byte] = static_cast<std::uint8_t>((payload[byte] & ~(mask << shift)) | bits << shift);
    });
  }
  // After a change of the payload: what the header says of it.
  void set_sizes() {
    header.n_elements = n_elements();
    header.payload_bytes = payload.size();
  }
  void set_checksums(std::uint64_t of_tokens) {
    header.shard_checksum = of_tokens;
    header.payload_checksum = checksum();
    header.header_checksum = Checksum::of(std::as_bytes(std::span(&header, 1)).first(56));
  }
  [[nodiscard]] std::uint64_t checksum() const { return Checksum::of(std::as_bytes(std::span(payload))); }

 private:
  // Calls f for each byte that holds bits of an element.
  template <class F>
  void visit_bytes(std::uint64_t i, F&& f) const {
    const unsigned n_bits = std::min(header.element_bits, 64U);
    for (unsigned done = 0; done < n_bits;) {
      const std::uint64_t bit = i * header.element_bits + done;
      const auto shift = static_cast<unsigned>(bit % 8);
      const unsigned n = std::min(8 - shift, n_bits - done);
      f(bit / 8, shift, (1U << n) - 1, done);
      done += n;
    }
  }
};

enum class Format { kInfgram, kInfiniGram };

struct Layout {
  Format format;
  unsigned token_bits;
  std::uint64_t vocab_size;
  std::size_t n_shards;
  int n_documents;  // 12 are enough for stored contexts
};

// The shards of one layout, whose files an input alters. Only what it alters is written, and the next input puts it
// back.
class Base {
 public:
  explicit Base(const Layout& layout) : layout_(layout) {
    for (std::size_t s = 0; s < layout.n_shards; ++s) {
      folders_.push_back(root_.path() / std::to_string(s));
      std::filesystem::create_directory(folders_.back());
      layout.format == Format::kInfgram ? build(s) : build_infini_gram(s);
    }
  }

  [[nodiscard]] const std::vector<std::filesystem::path>& folders() const { return folders_; }
  [[nodiscard]] std::span<const TokenId> text() const { return text_; }

  // The number of files of a shard: those of every shard, then with `is_changed` those of an index that was changed.
  [[nodiscard]] std::size_t n_files(bool is_changed) const {
    return files_[0].size() - (is_changed || layout_.format == Format::kInfiniGram ? 0 : kChanges.size());
  }

  // The content of a file, to be altered before write().
  [[nodiscard]] File& altered(std::size_t shard, std::size_t number) {
    FileOnDisk& file = files_[shard % layout_.n_shards][number];
    file.is_altered = true;
    return file.content;
  }

  // Makes all files healthy, in memory.
  void restore() {
    for (auto& files : files_) {
      for (FileOnDisk& file : files) {
        if (!file.is_altered) continue;
        file.content = file.healthy;
        file.is_altered = false;
        file.is_stale = true;
      }
    }
  }

  // Writes what differs on the disk.
  void write(bool with_true_checksums) {
    for (auto& files : files_) {
      if (with_true_checksums && layout_.format == Format::kInfgram) set_checksums(files);
      for (FileOnDisk& file : files) {
        if (file.is_altered || file.is_stale) file.write();
      }
    }
  }

  // Replaces a file as a whole, with its header.
  void replace(std::size_t shard, std::size_t number, std::span<const std::uint8_t> content) {
    FileOnDisk& file = files_[shard % layout_.n_shards][number];
    file.is_altered = true;
    file.write({{{const_cast<std::uint8_t*>(content.data()), content.size()}, {}, {}}});
  }

  // Opens the files, with a `vocab_size` of 0 if `is_implied` and the format allows it.
  [[nodiscard]] Index open(bool is_changed, bool is_implied, Access access) const {
    if (layout_.format == Format::kInfgram) {
      std::vector<ShardState> states;
      for (std::size_t s = 0; s < folders_.size(); ++s) {
        states.push_back({folders_[s], 1000 * s, is_changed ? std::uint64_t{1} : 0, is_changed});
      }
      return Index::open(states, access);
    }
    std::vector<InfiniGramFiles> shards;
    for (const auto& folder : folders_) shards.push_back({folder, ".0", layout_.token_bits, true});
    return Index::open_infini_gram(shards, is_implied ? 0 : layout_.vocab_size, access, 1);
  }

 private:
  static constexpr std::array kChanges = {"document_numbers.bin", "removed_documents.1.bin", "removed_ranks.1.bin"};

  struct FileOnDisk {
    FileOnDisk(const std::filesystem::path& path, File file)
        : healthy(std::move(file)), content(healthy), descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
      size_bytes = ::lseek(descriptor, 0, SEEK_END);
    }

    void write() {
      const std::size_t frame = content.is_framed ? 1 : 0;
      write({{{&content.header, frame * sizeof content.header},
              {content.payload.data(), content.payload.size()},
              {content.padding.data(), frame * content.padding.size()}}});
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
    int descriptor;           // closed at the end of the process
    off_t size_bytes;         // on the disk
    bool is_altered = false;  // by the current input
    bool is_stale = false;    // altered on the disk by an earlier input
  };

  static void set_checksums(std::vector<FileOnDisk>& files) {
    const std::uint64_t of_tokens = files[0].is_altered ? files[0].content.checksum() : 0;
    for (FileOnDisk& file : files) {
      file.is_altered = file.is_altered || files[0].is_altered;  // each has the checksum of the tokens
      if (!file.is_altered) continue;
      file.content.set_checksums(files[0].is_altered ? of_tokens : files[0].content.header.payload_checksum);
    }
  }

  static Bytes read(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  void build(std::size_t shard) {
    const std::filesystem::path& folder = folders_[shard];
    ShardWriter writer(folder, layout_.vocab_size, layout_.token_bits);
    std::uint64_t line = 0;
    for (const auto& document : documents(shard)) {
      writer.add_document(document, R"({"a": 1})", {line < 9 ? "one.txt" : "two.txt", ++line % 12});
    }
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t d = 0; d < writer.n_documents(); ++d) numbers.push_back(1000 * shard + 3 * d);
    writer.finish(numbers);
    sort_shard(folder, {}, [](std::uint64_t) {});
    const std::array<std::uint64_t, 2> removed = {0, 3};
    write_removals({.folder = folder}, removed, 1, [](std::uint64_t) {});
    auto& files = files_.emplace_back();
    const auto add = [&](const char* name) { files.emplace_back(folder / name, File::framed(read(folder / name))); };
    for (const SectionName& section : kSectionNames) add(section.file_name);
    for (const char* name : kChanges) add(name);
  }

  // Writes the files of index/infini_gram.hpp.
  void build_infini_gram(std::size_t shard) {
    std::string text;
    std::string metadata;
    std::vector<std::uint64_t> starts;
    std::vector<std::uint64_t> lines;
    const std::size_t width = layout_.token_bits / 8;
    for (const auto& document : documents(shard)) {
      starts.push_back(text.size());
      text.append(width, '\xFF');
      for (const TokenId token : document) text.append(reinterpret_cast<const char*>(&token), width);
      lines.push_back(metadata.size());
      metadata += R"({"path": "a.jsonl", "linenum": 1, "metadata": {}})"
                  "\n";
    }
    std::vector<std::uint64_t> places(text.size() / width);
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i * width;
    std::ranges::sort(places, {}, [&](std::uint64_t place) { return std::string_view(text).substr(place); });
    auto& files = files_.emplace_back();
    const auto add = [&](const char* name, unsigned element_bits, Bytes content) {
      const std::filesystem::path path = folders_[shard] / name;
      std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(content.data()), std::ssize(content));
      files.emplace_back(path, File::unframed(std::move(content), element_bits));
    };
    const auto integers = [](std::span<const std::uint64_t> values, std::size_t n_bytes) {
      Bytes bytes;
      for (const std::uint64_t& value : values) {
        const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
        bytes.insert(bytes.end(), raw, raw + n_bytes);
      }
      return bytes;
    };
    const unsigned pointer_bytes = (packed_bits(text.size() - 1) + 7) / 8;
    add("tokenized.0", layout_.token_bits, Bytes(text.begin(), text.end()));
    add("table.0", 8 * pointer_bytes, integers(places, pointer_bytes));
    add("offset.0", 64, integers(starts, sizeof(std::uint64_t)));
    add("metadata.0", 8, Bytes(metadata.begin(), metadata.end()));
    add("metaoff.0", 64, integers(lines, sizeof(std::uint64_t)));
  }

  // Documents with a token that many others follow, passages that recur, and an empty one.
  [[nodiscard]] std::vector<std::vector<TokenId>> documents(std::size_t shard) {
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
      if (text_.size() < 400) text_.insert(text_.end(), document.begin(), document.end());
      documents.push_back(std::move(document));
    }
    return documents;
  }

  Layout layout_;
  check::TemporaryFolder root_;
  std::vector<std::filesystem::path> folders_;
  std::vector<TokenId> text_;                   // of some documents
  std::vector<std::vector<FileOnDisk>> files_;  // by shard
};

// The bases of some layouts, each built when it is first used.
class Bases {
 public:
  explicit Bases(std::span<const Layout> layouts) : layouts_(layouts), bases_(layouts.size()) {
    if (std::filesystem::exists("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);  // in memory: many files a second
  }
  Base& operator[](std::size_t number) {
    auto& base = bases_[number % layouts_.size()];
    if (!base) base.emplace(layouts_[number % layouts_.size()]);
    return *base;
  }

 private:
  std::span<const Layout> layouts_;
  std::vector<std::optional<Base>> bases_;
};

inline Bases& infgram_bases() {
  static constexpr std::array<Layout, 6> kLayouts = {{{Format::kInfgram, 8, 24, 1, 3},
                                                      {Format::kInfgram, 16, 300, 1, 12},
                                                      {Format::kInfgram, 32, 24, 1, 3},
                                                      {Format::kInfgram, 8, 255, 2, 3},
                                                      {Format::kInfgram, 16, 24, 2, 12},
                                                      {Format::kInfgram, 32, 24, 2, 3}}};
  static Bases bases(kLayouts);
  return bases;
}

inline Bases& infini_gram_bases() {
  static constexpr std::array<Layout, 4> kLayouts = {{{Format::kInfiniGram, 8, 24, 1, 3},
                                                      {Format::kInfiniGram, 16, 300, 1, 12},
                                                      {Format::kInfiniGram, 32, 300, 1, 3},
                                                      {Format::kInfiniGram, 16, 300, 2, 3}}};
  static Bases bases(kLayouts);
  return bases;
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
  switch (operation % 15) {
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
    case 8:
      file.payload.resize(raw % 4 == 0 ? place % (2 * file.payload.size() + 9)
                                       : file.payload.size() - std::min<std::size_t>(file.payload.size(), place % 9),
                          static_cast<std::uint8_t>(raw >> 8));
      file.set_sizes();
      break;
    case 9: {
      const auto content = input.take(place % 256);
      file.payload.assign(content.begin(), content.end());
      file.set_sizes();
      break;
    }
    case 10:
      file.header.element_bits = static_cast<std::uint32_t>(place % 80);
      file.header.n_elements = file.n_elements();
      break;
    case 11: file.header.n_elements = value; break;
    case 12: file.header.payload_bytes = value; break;
    case 13:
      if (raw % 2 == 0) {
        file.header.format_version = static_cast<std::uint32_t>(place % 5);
      } else {
        file.header.kind = static_cast<SectionKind>(place % 16);
      }
      break;
    default: file.padding[place % file.padding.size()] = static_cast<std::uint8_t>(raw); break;
  }
}

// Writes the index that an input describes, and opens it; nothing if it does not open. Any exception but an
// infgram::Error is a finding.
struct Opened {
  Base* base;
  Index index;
};
inline std::optional<Opened> open_hostile(Bases& bases, Input& input) {
  Base& base = bases[input.next<std::uint8_t>()];
  const auto mode = input.next<std::uint8_t>();
  const bool is_changed = mode % 4 == 3;
  const std::size_t n_files = base.n_files(is_changed);
  const unsigned n_edits = input.next<std::uint8_t>() % 12;
  base.restore();
  for (unsigned i = 0; i < n_edits; ++i) {
    const auto where = input.next<std::uint8_t>();
    alter(base.altered(where / n_files, where % n_files), input);
  }
  base.write(mode % 16 != 0);
  if (mode % 32 == 4) {  // any bytes as a file
    const auto where = input.next<std::uint8_t>();
    base.replace(where / n_files, where % n_files, input.take(1000));
  }
  try {
    // In memory, because ASan knows the bounds of memory, but not of mapped files.
    return Opened{&base, base.open(is_changed, mode % 4 == 2, mode % 32 == 1 ? Access::kRandom : Access::kMemory)};
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

// Asks up to three questions: one, and more while the input is not at its end.
template <class F>
void ask_some(Input& input, F&& ask) {
  for (int i = 0; i < 3 && (i == 0 || !input.is_at_end()); ++i) attempt(ask);
}

// Some sequence to ask for: a piece of the healthy text, altered by the input.
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

// Findings: an allocation of half a gigabyte, and a failed assertion. The quarantine holds what a few inputs free.
extern "C" [[gnu::visibility("default")]] const char* __asan_default_options() {  // NOLINT: the sanitizer's name
  return "max_allocation_size_mb=512:hard_rss_limit_mb=1024:quarantine_size_mb=4:handle_abort=1:malloc_context_size=4";
}

// The entry point of a target, called by libFuzzer or by driver.cpp.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
