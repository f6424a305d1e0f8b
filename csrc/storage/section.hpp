// Section files: a header of 64 bytes, the payload, padding (docs/index-format.md).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/checksum.hpp"
#include "storage/format.hpp"
#include "storage/mapped_file.hpp"
#include "storage/packed_array.hpp"

namespace infgram {

// An open section. Owns the mapping; views are valid as long as it lives. Immutable.
class Section {
 public:
  // Maps the file and checks magic, version, kind, header checksum and file size. Cost: O(1).
  // Throws IndexDamagedError, IndexVersionError or StorageError, naming the file.
  [[nodiscard]] static Section open(const std::filesystem::path& path, SectionKind kind,
                                    Access access = Access::kRandom);

  // Maps a file that is all payload, of elements of `element_bits` bits; `tail` is readable after it. Its header is
  // made up. Cost and errors: MappedFile::open_with_tail; throws IndexDamagedError for an incomplete element.
  [[nodiscard]] static Section open_unframed(const std::filesystem::path& path, SectionKind kind, unsigned element_bits,
                                             std::span<const std::byte> tail, Access access = Access::kRandom);

  [[nodiscard]] const SectionHeader& header() const { return header_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // The payload, followed by at least kPaddingBytes readable bytes, or by the tail.
  [[nodiscard]] std::span<const std::byte> payload() const;

  // The payload as a packed array. Throws IndexDamagedError if the header's width is out of range.
  [[nodiscard]] PackedArray packed() const;

  // Checks every byte: header, payload checksum and padding, if it has them. Throws IndexDamagedError. Cost: one
  // sequential pass.
  void verify() const;

  // Throws IndexDamagedError if pages of the file were lost since it was opened (storage/truncation.hpp).
  void check_pages() const;

  // Advises the kernel of the access pattern from now on; without an argument, of the one given to open().
  void expect(Access access) const { file_.expect(access); }
  void expect() const { file_.expect(access_); }

  // Throws IndexDamagedError unless the section has the number of elements that follows from the other files of its
  // shard.
  void check_elements(std::uint64_t expected) const;

  // Throws IndexDamagedError("<path>: <what>").
  [[noreturn]] void damaged(const std::string& what) const;

 private:
  std::filesystem::path path_;
  MappedFile file_;
  Access access_ = Access::kRandom;
  bool is_framed_ = true;
  SectionHeader header_;
};

// Writes a section front to back under a temporary name, and renames the file when it is finished. The destructor
// removes an unfinished file.
class SectionWriter {
 public:
  // Throws StorageError.
  SectionWriter(std::filesystem::path path, SectionKind kind);
  SectionWriter(const SectionWriter&) = delete;
  SectionWriter& operator=(const SectionWriter&) = delete;
  ~SectionWriter();

  // Appends to the payload. Throws StorageError; afterwards the writer can only be destroyed.
  void append(std::span<const std::byte> bytes);

  // The checksum of the payload so far.
  [[nodiscard]] std::uint64_t payload_checksum() const { return checksum_.value(); }

  // Writes padding and header, flushes the file to disk and renames it. Returns the header. Throws StorageError.
  SectionHeader finish(std::uint64_t n_elements, unsigned element_bits, std::uint64_t shard_checksum);

 private:
  void flush();
  void write_all(const void* data, std::size_t size_bytes);
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_path_;
  int file_ = -1;
  SectionKind kind_;
  std::vector<std::byte> buffer_;
  std::uint64_t payload_bytes_ = 0;
  Checksum checksum_;
};

}  // namespace infgram
