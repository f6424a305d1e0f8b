// The constants of the file format, specified byte by byte in docs/index-format.md.
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

// The content of a section file.
enum class SectionKind : std::uint32_t {
  kNone = 0,              // an unfinished file
  kTokens = 1,            // the tokens of all documents, each document followed by a separator
  kSuffixArray = 2,       // positions in suffix order, bit-packed
  kDocumentStarts = 3,    // the position of each document's first token, then the end, bit-packed
  kFirstTokenStarts = 4,  // the rank of the first suffix that begins with each token id, then the end, bit-packed
  kMetadata = 5,          // the JSON metadata of all documents, concatenated
  kMetadataStarts = 6,    // the byte at which each document's metadata starts, then the end, bit-packed
  // Since version 2:
  kDirectory = 7,       // the keys of every kSampleStep-th suffix, from its second token on, 64 bits each
  kContinuations = 8,   // the next tokens of each stored context: gap and count, byte-coded
  kStoredContexts = 9,  // four numbers per stored context: its ranks [lo, hi), its length, the byte of kContinuations
                        // at which its next tokens begin; bit-packed
  // Since version 3:
  kSources = 10,     // the names of the source files, each terminated by a zero byte
  kSourceRuns = 11,  // three numbers per run of documents: its first document, the byte of kSources at which the name
                     // of its file begins, and the line of its first document; bit-packed
  // In shards of an index that was changed, of any version:
  kDocumentNumbers = 12,   // the number of each document in the index, where they are not consecutive; bit-packed
  kRemovedDocuments = 13,  // the numbers, in the shard, of the removed documents, ascending; bit-packed
  kRemovedRanks = 14,      // the ranks of their suffixes, ascending; bit-packed
};

// The line of a run whose documents have no line. Other lines count from 1 and increase by one per document.
inline constexpr std::uint64_t kNoLine = 0;
inline constexpr std::uint64_t kSourceRunFields = 3;

inline constexpr std::uint64_t kSampleStep = 64;

// The payload of the directory: first its top level, every kTopStep-th key; then all keys.
inline constexpr std::uint64_t kTopStep = 64;
[[nodiscard]] constexpr std::uint64_t n_sampled_keys(std::uint64_t n_tokens) {
  return (n_tokens + kSampleStep - 1) / kSampleStep;
}
[[nodiscard]] constexpr std::uint64_t n_top_keys(std::uint64_t n_tokens) {
  return (n_sampled_keys(n_tokens) + kTopStep - 1) / kTopStep;
}

// Selection of the stored contexts. A context's *sampled next tokens* are the distinct tokens that follow its suffixes
// at ranks divisible by kSampleStep. A context is a candidate if it has at least kMinSampledNextTokens of them and at
// most kLongestStoredContext tokens. Candidates are stored by decreasing number of sampled next tokens, as long as the
// total is at most one byte per kTokensPerStoredByte tokens.
inline constexpr std::uint64_t kMinSampledNextTokens = 8;
inline constexpr std::uint64_t kLongestStoredContext = 16;
inline constexpr std::uint64_t kTokensPerStoredByte = 27;

// The first byte of a stored next token: the gap to the previous code in the upper bits, the count in the lower bits. A
// zero means that the value follows.
inline constexpr unsigned kNextTokenCountBits = 3;
inline constexpr std::uint64_t kNextTokenCountMask = 7;
inline constexpr std::uint64_t kNextTokenGapMask = 31;

// The first 64 bytes of a section file.
struct SectionHeader {
  std::array<char, 8> magic = kMagic;
  std::uint32_t format_version = kFormatVersion;
  SectionKind kind = SectionKind::kNone;
  std::uint32_t element_bits =
      0;  // of one element: 8, 16 or 32 for tokens, 1 to 57 if bit-packed, 8 for bytes, 64 for keys
  std::uint32_t reserved = 0;  // zero
  std::uint64_t n_elements = 0;
  std::uint64_t payload_bytes = 0;     // without header and padding
  std::uint64_t shard_checksum = 0;    // checksum of the token payload; the same in all sections of a shard
  std::uint64_t payload_checksum = 0;  // XXH64 of the payload
  std::uint64_t header_checksum = 0;   // XXH64 of the preceding 56 bytes
};
static_assert(sizeof(SectionHeader) == 64);

// The number of 0xFF bytes after the payload. They keep wide loads inside the mapping.
inline constexpr std::size_t kPaddingBytes = 64;
inline constexpr std::byte kPaddingByte{0xFF};

}  // namespace infgram
