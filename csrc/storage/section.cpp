#include "storage/section.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/errors.hpp"

namespace infgram {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
constexpr std::size_t kFrameBytes = sizeof(SectionHeader) + kPaddingBytes;

std::uint64_t checksum_of(const SectionHeader& header) {
  return Checksum::of(std::as_bytes(std::span(&header, 1)).first(sizeof header - sizeof header.header_checksum));
}

}  // namespace

Section Section::open(const std::filesystem::path& path, SectionKind kind, Access access) {
  Section section;
  section.path_ = path;
  section.access_ = access;
  section.file_ = MappedFile::open(path, access);
  const auto bytes = section.file_.bytes();
  if (bytes.size() < kFrameBytes) {
    section.damaged("holds " + std::to_string(bytes.size()) + " bytes, fewer than header and padding take, " +
                    std::to_string(kFrameBytes) + "; the file was truncated");
  }
  SectionHeader& header = section.header_;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) section.damaged("does not begin with the magic bytes of an infgram section");
  if (header.header_checksum != checksum_of(header)) section.damaged("the header does not match its checksum");
  if (header.format_version < kOldestReadableFormatVersion || header.format_version > kFormatVersion) {
    throw IndexVersionError(path.string() + " has format version " + std::to_string(header.format_version) +
                            ", this infgram reads " + std::to_string(kOldestReadableFormatVersion) + " to " +
                            std::to_string(kFormatVersion) + "; use a matching infgram or rebuild the index");
  }
  if (header.kind != kind) {
    section.damaged("holds section kind " + std::to_string(static_cast<std::uint32_t>(header.kind)) + ", expected " +
                    std::to_string(static_cast<std::uint32_t>(kind)) + "; files were swapped");
  }
  if (header.payload_bytes != bytes.size() - kFrameBytes) {
    section.damaged("holds " + std::to_string(bytes.size()) + " bytes, its header says " +
                    std::to_string(header.payload_bytes) + " and a frame of " + std::to_string(kFrameBytes) +
                    "; the file was truncated or extended");
  }
  // n_elements is untrusted, so compare by division: a product could overflow.
  const std::uint64_t bits = header.element_bits;
  const bool fits = bits >= 1 && bits <= 64 && header.n_elements <= header.payload_bytes * 8 / bits &&
                    packed_bytes(header.n_elements, header.element_bits) == header.payload_bytes;
  if (!fits) section.damaged("the header's element count and width do not match its payload size");
  return section;
}

Section Section::open_unframed(const std::filesystem::path& path, SectionKind kind, unsigned element_bits,
                               std::span<const std::byte> tail, Access access) {
  Section section;
  section.path_ = path;
  section.access_ = access;
  section.is_framed_ = false;
  section.file_ = MappedFile::open_with_tail(path, access, tail);
  section.header_.kind = kind;
  section.header_.element_bits = element_bits;
  section.header_.payload_bytes = section.file_.bytes().size();
  section.header_.n_elements = section.header_.payload_bytes / (element_bits / 8);
  if (section.header_.payload_bytes % (element_bits / 8) != 0) {
    section.damaged("holds " + std::to_string(section.header_.payload_bytes) + " bytes, expected a multiple of " +
                    std::to_string(element_bits / 8) + "; the file was truncated, or is not of this index");
  }
  return section;
}

std::span<const std::byte> Section::payload() const {
  return file_.bytes().subspan(is_framed_ ? sizeof(SectionHeader) : 0, header_.payload_bytes);
}

PackedArray Section::packed() const {
  if (header_.element_bits > kMaxPackedBits) damaged("the elements are wider than 57 bits");
  return {payload().data(), header_.n_elements, header_.element_bits};
}

void Section::check_pages() const {
  if (!file_.has_lost_pages()) return;
  damaged(
      "was truncated while it was open, or the disk could not be read; never change an index in place, but replace its "
      "folder, and open it again");
}

void Section::check_elements(std::uint64_t expected) const {
  if (header_.n_elements == expected) return;
  damaged("holds " + std::to_string(header_.n_elements) + " elements, expected " + std::to_string(expected) +
          " from the other files of its shard; files were swapped");
}

void Section::verify() const {
  if (!is_framed_) return;
  if (std::memcmp(file_.bytes().data(), &header_, sizeof header_) != 0)
    damaged("the header was modified since the file was opened");
  const std::uint64_t found = Checksum::of(payload());
  if (found != header_.payload_checksum) {
    std::array<char, 96> text;
    std::snprintf(text.data(), text.size(), "the payload's checksum is %016llx, expected %016llx",
                  static_cast<unsigned long long>(found), static_cast<unsigned long long>(header_.payload_checksum));
    damaged(text.data());
  }
  const auto padding = file_.bytes().last(kPaddingBytes);
  if (!std::ranges::all_of(padding, [](std::byte byte) { return byte == kPaddingByte; })) {
    damaged("the padding after the payload was modified");
  }
}

void Section::damaged(const std::string& what) const { throw IndexDamagedError(path_.string() + ": " + what); }

SectionWriter::SectionWriter(std::filesystem::path path, SectionKind kind)
    : path_(std::move(path)), temporary_path_(path_.string() + ".tmp"), kind_(kind) {
  file_ = ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file_ < 0) fail("create");
  buffer_.reserve(kBufferBytes);
  const SectionHeader unfinished{};
  write_all(&unfinished, sizeof unfinished);
}

SectionWriter::~SectionWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_path_.c_str());
}

void SectionWriter::append(std::span<const std::byte> bytes) {
  checksum_.update(bytes);
  payload_bytes_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    write_all(bytes.data(), bytes.size());
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

SectionHeader SectionWriter::finish(std::uint64_t n_elements, unsigned element_bits, std::uint64_t shard_checksum) {
  buffer_.insert(buffer_.end(), kPaddingBytes, kPaddingByte);
  flush();
  SectionHeader header;
  header.kind = kind_;
  header.element_bits = element_bits;
  header.n_elements = n_elements;
  header.payload_bytes = payload_bytes_;
  header.shard_checksum = shard_checksum;
  header.payload_checksum = checksum_.value();
  header.header_checksum = checksum_of(header);
  if (::pwrite(file_, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) fail("write");
  if (::fsync(file_) != 0) fail("flush");
  const int file = std::exchange(file_, -1);
  if (::close(file) != 0) fail("close");
  if (std::rename(temporary_path_.c_str(), path_.c_str()) != 0) fail("rename");
  return header;
}

void SectionWriter::flush() {
  write_all(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void SectionWriter::write_all(const void* data, std::size_t size_bytes) {
  const auto* bytes = static_cast<const char*>(data);
  while (size_bytes > 0) {
    const ssize_t n = ::write(file_, bytes, size_bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write");
    bytes += n;
    size_bytes -= static_cast<std::size_t>(n);
  }
}

void SectionWriter::fail(const char* action) const {
  const int code = errno;
  const char* advice = code == ENOSPC ? "; free disk space or choose another output" : "";
  throw StorageError(std::string("cannot ") + action + " " + temporary_path_.string() + ": " +
                         std::generic_category().message(code) + advice,
                     code);
}

}  // namespace infgram
