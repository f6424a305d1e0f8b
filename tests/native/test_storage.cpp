// Packed arrays of every width; sections that are complete, truncated, altered or swapped.
#include <sys/stat.h>

#include <fstream>
#include <random>
#include <vector>

#include "base/errors.hpp"
#include "check.hpp"
#include "storage/folder.hpp"
#include "storage/section.hpp"

namespace {

using namespace infgram;

void test_packed_arrays() {
  const check::TemporaryFolder folder;
  std::mt19937_64 random(1);
  for (unsigned bits = 1; bits <= kMaxPackedBits; ++bits) {
    std::vector<std::uint64_t> values(1000);
    for (auto& value : values) value = random() >> (64 - bits);
    const auto path = folder.path() / "packed.bin";
    SectionWriter writer(path, SectionKind::kSuffixArray);
    BitPacker packer(writer, bits);
    for (const auto value : values) packer.append(value);
    writer.finish(packer.finish(), bits, 7);

    const Section section = Section::open(path, SectionKind::kSuffixArray);
    section.verify();
    const PackedArray packed = section.packed();
    check::that(packed.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) check::that(packed[i] == values[i], std::to_string(bits));
  }
  check::that(packed_bits(0) == 1 && packed_bits(1) == 1 && packed_bits(2) == 2 && packed_bits(255) == 8);
  check::that(packed_bits(256) == 9 && packed_bytes(3, 3) == 2 && packed_bytes(0, 57) == 0);
}

std::vector<char> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::filesystem::path& path, const std::vector<char>& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void test_damage() {
  const check::TemporaryFolder folder;
  const auto path = folder.path() / "tokens.bin";
  {
    SectionWriter writer(path, SectionKind::kTokens);
    const std::vector<std::byte> payload(300, std::byte{5});
    writer.append(payload);
    check::that(!std::filesystem::exists(path), "published before it was finished");
    writer.finish(300, 8, writer.payload_checksum());
  }
  const std::vector<char> whole = read(path);
  const auto verify = [&] { Section::open(path, SectionKind::kTokens).verify(); };
  verify();
  check::throws<IndexDamagedError>([&] { static_cast<void>(Section::open(path, SectionKind::kMetadata)); });
  const auto missing = folder.path() / "missing.bin";
  check::throws<IndexDamagedError>([&] { static_cast<void>(Section::open(missing, SectionKind::kTokens)); });
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write(path, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    check::throws<IndexDamagedError>(verify);
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::vector<char> altered = whole;
    altered[i] = static_cast<char>(altered[i] ^ 0x10);
    write(path, altered);
    check::throws<IndexDamagedError>(verify);
  }
}

void test_only_regular_files_are_opened() {
  const check::TemporaryFolder folder;
  const auto pipe = folder.path() / "pipe.bin";
  check::that(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::filesystem::path& path : {pipe, folder.path(), std::filesystem::path("/dev/zero")}) {
    try {
      static_cast<void>(Section::open(path, SectionKind::kTokens));
      check::that(false, path.string() + " was opened");
    } catch (const IndexDamagedError& error) {
      check::that(std::string(error.what()).ends_with("is not a regular file"), error.what());
    }
  }
}

void test_version() {
  const check::TemporaryFolder folder;
  const auto path = folder.path() / "tokens.bin";
  SectionWriter(path, SectionKind::kTokens).finish(0, 8, 0);
  std::vector<char> bytes = read(path);
  bytes[8] = 99;
  const auto checksum = Checksum::of(std::as_bytes(std::span(bytes)).first(56));
  std::memcpy(bytes.data() + 56, &checksum, sizeof checksum);
  write(path, bytes);
  check::throws<IndexVersionError>([&] { static_cast<void>(Section::open(path, SectionKind::kTokens)); });
}

void test_unfinished_writer_leaves_nothing() {
  const check::TemporaryFolder folder;
  {
    SectionWriter writer(folder.path() / "tokens.bin", SectionKind::kTokens);
  }
  check::that(std::filesystem::is_empty(folder.path()));
  check::throws<StorageError>([&] { SectionWriter(folder.path() / "no" / "x.bin", SectionKind::kTokens); });
}

void test_publish_folder() {
  const check::TemporaryFolder folder;
  const auto fresh = folder.path() / "fresh";
  const auto target = folder.path() / "target";
  std::filesystem::create_directory(fresh);
  check::that(publish_folder(fresh, target).empty() && std::filesystem::exists(target));
  std::filesystem::create_directory(fresh);
  write(fresh / "new", {'n'});
  const auto replaced = publish_folder(fresh, target);
  check::that(std::filesystem::exists(target / "new") && std::filesystem::is_empty(replaced));
}

}  // namespace

int main() {
  test_packed_arrays();
  test_damage();
  test_only_regular_files_are_opened();
  test_version();
  test_unfinished_writer_leaves_nothing();
  test_publish_folder();
  return check::result();
}
