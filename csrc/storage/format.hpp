// The constants of the files, as docs/index-format.md specifies them byte by byte.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace infgram {

static_assert(std::endian::native == std::endian::little, "index files are little-endian, and are mapped as they are");

inline constexpr std::uint32_t kFormatVersion = 3;
inline constexpr std::uint32_t kOldestReadableFormatVersion = 1;

inline constexpr std::array<char, 8> kMagic = {'i', 'n', 'f', 'g', 'r', 'a', 'm', '\0'};

// What a section file holds.
enum class SectionKind : std::uint32_t {
  kTokens = 1,          // every document's tokens, each followed by a separator
  kSuffixArray = 2,     // positions in suffix order, bit-packed
  kDocumentStarts = 3,  // the position of each document's first token, then the end, bit-packed
  kFirstTokenStarts =
      4,                // for each token id the rank of the first suffix that begins with it, then the end, bit-packed
  kMetadata = 5,        // every document's metadata, JSON, end to end
  kMetadataStarts = 6,  // the byte at which each document's metadata starts, then the end, bit-packed
  // Since version 2:
  kDirectory = 7,      // keys of every kSampleStep-th suffix from its second token on, 64 bits each
  kContinuations = 8,  // what follows each stored context: rows of gap and count, byte-coded
  kStoredContexts =
      9,  // four numbers a stored context: its ranks [lo, hi), its length, where its rows begin; bit-packed
  // Since version 3:
  kSources = 10,     // the names of the files that documents come from, each ended by a zero byte
  kSourceRuns = 11,  // three numbers a run of documents: its first document, the byte of kSources at which the name of
                     // its file begins, the line of its first document; bit-packed
};

// A run's line when its documents have none; otherwise lines count from 1 and ascend by one a document.
inline constexpr std::uint64_t kNoLine = 0;
inline constexpr std::uint64_t kSourceRunFields = 3;

inline constexpr std::uint64_t kSampleStep = 64;

// The directory's payload: first its top, every kTopStep-th of the keys, then all keys.
inline constexpr std::uint64_t kTopStep = 64;
[[nodiscard]] constexpr std::uint64_t n_sampled_keys(std::uint64_t n_tokens) {
  return (n_tokens + kSampleStep - 1) / kSampleStep;
}
[[nodiscard]] constexpr std::uint64_t n_top_keys(std::uint64_t n_tokens) {
  return (n_sampled_keys(n_tokens) + kTopStep - 1) / kTopStep;
}

// A context's rows are stored when at least so many different ones follow its suffixes among those of every
// kSampleStep-th rank, it is no longer than so many tokens, and no context with more was left out, so that all
// together take at most one byte for kTokensPerStoredByte tokens.
inline constexpr std::uint64_t kFewestSampledRows = 8;
inline constexpr std::uint64_t kLongestStoredContext = 16;
inline constexpr std::uint64_t kTokensPerStoredByte = 27;

// The first byte of a row: the gap to the row before in the upper bits, the count in the lower; 0 when it follows.
inline constexpr unsigned kRowCountBits = 3;
inline constexpr std::uint64_t kRowCountMask = 7;
inline constexpr std::uint64_t kRowGapMask = 31;

// The first 64 bytes of each section file.
struct SectionHeader {
  std::array<char, 8> magic = kMagic;
  std::uint32_t format_version = kFormatVersion;
  SectionKind kind{};
  std::uint32_t element_bits =
      0;                       // of one element: 8, 16, 32 for tokens, 1..57 when bit-packed, 8 for bytes, 64 for keys
  std::uint32_t reserved = 0;  // zero
  std::uint64_t n_elements = 0;
  std::uint64_t payload_bytes = 0;     // between header and padding
  std::uint64_t shard_checksum = 0;    // the token payload's checksum: ties the sections of one shard together
  std::uint64_t payload_checksum = 0;  // XXH64 of the payload
  std::uint64_t header_checksum = 0;   // XXH64 of the 56 bytes before
};
static_assert(sizeof(SectionHeader) == 64);

// After the payload: so many bytes of 0xFF, so that wide loads never cross the end of the mapping.
inline constexpr std::size_t kPaddingBytes = 64;
inline constexpr std::byte kPaddingByte{0xFF};

}  // namespace infgram
