#include "index/infini_gram.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "base/bisection.hpp"
#include "base/errors.hpp"
#include "base/parallel.hpp"
#include "index/next_token_reader.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kChunk = std::uint64_t{1} << 14;  // samples per task
constexpr std::size_t kBatch = 64;                        // reads in flight
constexpr std::uint64_t kLongRun = 64;                    // equal tokens that are kept
constexpr unsigned kMostPointerBytes = 7;
constexpr std::uint64_t kMostImpliedTokens = 1 << 20;  // their ranges take memory for every id

unsigned token_bytes(const AnyText& text) { return text.token_bits / 8; }

// The positions that infini-gram knows: without the last separator.
std::uint64_t n_pointers(const AnyText& text) { return text.size - 1; }

[[noreturn]] void throw_not_sorted(const Section& table, Rank rank) {
  table.damaged("the suffixes near rank " + std::to_string(rank) +
                " are not in order; infini-gram makes such tables of small corpora if it uses many processors: build "
                "the index again");
}

// The SuffixSource of a shard that is being opened.
template <StoredToken Token>
class StoredSuffixes {
 public:
  StoredSuffixes(const Section& table, Text<Token> text, const SuffixArray& array)
      : table_(table), text_(text), array_(array) {}

  template <class>
  [[nodiscard]] Text<Token> typed_text() const {
    return text_;
  }
  [[nodiscard]] const Directory& directory() const { return directory_; }
  [[nodiscard]] const void* address(Rank rank) const { return array_.address(rank); }
  [[nodiscard]] Position position(Rank rank, std::uint64_t depth) const {
    const Position position = array_[rank] + depth;
    if (position >= text_.size()) {
      table_.damaged("rank " + std::to_string(rank) + " points to token " + std::to_string(position - depth) +
                     ", beyond the text");
    }
    return position;
  }
  [[nodiscard]] static std::uint64_t vocab_size() { return ~std::uint64_t{0}; }  // of what may occur
  [[noreturn]] void throw_bad_next_token(Rank rank, std::uint64_t, TokenCode) const { throw_not_sorted(table_, rank); }

 private:
  const Section& table_;
  Text<Token> text_;
  const SuffixArray& array_;
  Directory directory_;
};

// Compares suffixes with those at the end of the text, longer and longer ones, in the order of `table`: by their bytes,
// the end of the file first. Long runs of equal tokens are kept, so that the next comparison at the same distance of
// the two suffixes does not read them again.
class TableSearch {
 public:
  TableSearch(const Section& table, const AnyText& text, const PackedArray& pointers)
      : table_(table), text_(text), pointers_(pointers) {}

  // Whether the suffix at `rank` sorts before (-1) or after (1) all that begin with the last `n_tokens` tokens, the
  // first `n_equal` of which it begins with.
  [[nodiscard]] int compare(Rank rank, std::uint64_t n_tokens, std::uint64_t n_equal) {
    const Position position = position_at(rank);
    if (n_equal > n_pointers(text_) - position) throw_not_sorted(table_, rank);
    const Position tail = n_pointers(text_) - n_tokens;
    const Position limit = std::min(n_pointers(text_), n_pointers(text_) - position + tail);
    const Position end = end_of_run(position - tail, tail + n_equal, limit);
    if (end == n_pointers(text_)) return 0;
    if (end == limit) return -1;
    return std::memcmp(address(end + position - tail), address(end), token_bytes(text_));
  }

  // Whether the suffix at `rank` ends, with its document, after `n_tokens` tokens.
  [[nodiscard]] bool ends_after(Rank rank, std::uint64_t n_tokens) const {
    const Position position = position_at(rank);
    if (n_tokens > n_pointers(text_) - position) throw_not_sorted(table_, rank);
    const std::byte* const token = address(position + n_tokens);
    return std::all_of(token, token + token_bytes(text_), [](std::byte byte) { return byte == kPaddingByte; });
  }

  [[nodiscard]] Position position_at(Rank rank) const {
    const Position position = pointers_[rank];
    if (position >= n_pointers(text_)) {
      table_.damaged("rank " + std::to_string(rank) + " points to token " + std::to_string(position) +
                     ", beyond the text");
    }
    return position;
  }

 private:
  struct Run {
    Position begin;
    Position end;
  };

  [[nodiscard]] const std::byte* address(Position position) const { return text_.data + position * token_bytes(text_); }

  // The first position from `begin` up to `limit` whose token differs from that `distance` tokens (modulo 2^64) later.
  [[nodiscard]] Position end_of_run(std::uint64_t distance, Position begin, Position limit) {
    const auto found = runs_.find(distance);
    const bool known = found != runs_.end() && begin <= found->second.end;
    if (known && begin >= found->second.begin) return found->second.end;
    const Position stop = known ? found->second.begin : limit;
    const std::byte* const differs = std::mismatch(address(begin), address(stop), address(begin + distance)).first;
    Position end = begin + static_cast<std::uint64_t>(differs - address(begin)) / token_bytes(text_);
    if (known && end == stop) end = found->second.end;
    if (end - begin >= kLongRun) runs_.insert_or_assign(distance, Run{begin, end});
    return end;
  }

  const Section& table_;
  const AnyText& text_;
  const PackedArray& pointers_;
  std::unordered_map<std::uint64_t, Run> runs_;  // one for each distance
};

// The longest of the last tokens of a text, fewer than `n_tokens`, with which its last `n_tokens` tokens also begin; to
// be asked for 1, 2, 3, … tokens. All take time for each token once (Knuth, Morris and Pratt, on the reversed text).
class Borders {
 public:
  explicit Borders(const AnyText& text) : text_(text) {}

  [[nodiscard]] std::uint64_t next() {
    const std::uint64_t n_tokens = lengths_.size();
    std::uint64_t n = n_tokens == 1 ? 0 : lengths_.back();
    while (n > 0 && !same(n + 1, n_tokens)) n = lengths_[n];
    lengths_.push_back(n_tokens > 1 && same(n + 1, n_tokens) ? n + 1 : 0);
    return lengths_.back();
  }

 private:
  // Whether the tokens `a` and `b` from the end are the same.
  [[nodiscard]] bool same(std::uint64_t a, std::uint64_t b) const {
    const std::size_t n_bytes = token_bytes(text_);
    return std::memcmp(text_.data + (n_pointers(text_) - a) * n_bytes, text_.data + (n_pointers(text_) - b) * n_bytes,
                       n_bytes) == 0;
  }

  const AnyText& text_;
  std::vector<std::uint64_t> lengths_{0};  // by n_tokens
};

// A suffix at the end of the text that is stored before those it should follow: at `place` instead of before `end`.
struct Displaced {
  std::uint64_t place;
  std::uint64_t end;
};

// Longer suffixes come later. The suffixes that begin with one of them lie between those that begin with its border:
// so a run of one token, or a long copy of another document, takes time in proportion to its length.
std::vector<Displaced> find_displaced(const Section& table, const AnyText& text, const PackedArray& pointers,
                                      std::uint64_t n_suffixes, Position last_document) {
  TableSearch search(table, text, pointers);
  Borders borders(text);
  std::vector<Displaced> found;
  for (std::uint64_t n_tokens = 1; n_tokens <= n_pointers(text) - last_document; ++n_tokens) {
    const std::uint64_t border = borders.next();
    const Rank first = border == 0 ? 0 : found[border - 1].place + 1;
    const Rank last = border == 0 ? n_suffixes : found[border - 1].end;
    const Rank lo = bisect(first, last, [&](Rank rank) { return search.compare(rank, n_tokens, border) < 0; });
    const Rank hi = bisect(lo, last, [&](Rank rank) { return search.compare(rank, n_tokens, border) == 0; });
    if (lo == hi || search.position_at(lo) != n_pointers(text) - n_tokens) throw_not_sorted(table, lo);
    const Rank end = bisect(lo + 1, hi, [&](Rank rank) { return !search.ends_after(rank, n_tokens); });
    if (end == lo + 1) break;  // then no longer suffix is followed by a token, either
    found.push_back({lo, end});
  }
  return found;
}

std::vector<SuffixArray::Piece> pieces_of(std::vector<Displaced> displaced, std::uint64_t n_suffixes) {
  if (displaced.empty()) return {};
  std::vector<std::uint64_t> places;
  places.reserve(displaced.size());
  for (const Displaced& each : displaced) places.push_back(each.place);
  std::ranges::sort(places);
  std::ranges::reverse(displaced);  // the longer suffix first where two have the same end
  std::ranges::stable_sort(displaced, {}, &Displaced::end);
  std::vector<SuffixArray::Piece> pieces;
  Rank rank = 0;
  std::uint64_t place = 0;
  const auto add = [&](std::uint64_t begin, std::uint64_t end) {
    if (begin == end) return;
    pieces.push_back({rank, begin});
    rank += end - begin;
  };
  auto left_out = places.begin();
  const auto add_to = [&](std::uint64_t end) {  // what is stored up to `end`, without what is displaced
    for (; left_out != places.end() && *left_out < end; ++left_out) {
      add(place, *left_out);
      place = *left_out + 1;
    }
    add(place, end);
    place = end;
  };
  for (const Displaced& each : displaced) {
    add_to(each.end);
    add(each.place, each.place + 1);
  }
  add_to(n_suffixes);
  return pieces;
}

// Reads the keys of samples of the suffix array, and checks that they ascend.
template <StoredToken Token>
void read_keys(const StoredSuffixes<Token>& suffixes, const Section& table, std::uint64_t step, std::uint64_t begin,
               std::uint64_t end, std::uint64_t* keys) {
  const Text<Token> text = suffixes.template typed_text<Token>();
  std::array<Position, kBatch> positions;
  std::uint64_t last_first = 0;  // the lane of the previous sample's first token
  std::uint64_t last_key = 0;
  for (std::uint64_t sample = begin - std::min<std::uint64_t>(begin, 1); sample < end;) {
    const std::size_t n = std::min<std::uint64_t>(kBatch, end - sample);
    for (std::size_t i = 0; i < n; ++i) __builtin_prefetch(suffixes.address((sample + i) * step));
    for (std::size_t i = 0; i < n; ++i) {
      positions[i] = suffixes.position((sample + i) * step, 1) - 1;
      text.prefetch(positions[i]);
    }
    for (std::size_t i = 0; i < n; ++i, ++sample) {
      const std::uint64_t first = lane_of(text[positions[i]]);
      const std::uint64_t key = text.key(positions[i] + 1);
      if (std::pair(first, key) < std::pair(last_first, last_key)) throw_not_sorted(table, sample * step);
      last_first = first;
      last_key = key;
      if (sample >= begin) keys[sample] = key;
    }
  }
}

}  // namespace

PackedArray pointers_of(const Section& table, const AnyText& text) {
  const std::uint64_t n = n_pointers(text);
  const std::uint64_t n_bytes = table.header().payload_bytes;
  const std::uint64_t width = n_bytes / n;
  if (n_bytes % n != 0 || width == 0 || width > kMostPointerBytes || (n * token_bytes(text) - 1) >> (8 * width) != 0) {
    table.damaged("holds " + std::to_string(n_bytes) + " bytes, expected a pointer of equal width for each of " +
                  std::to_string(n) + " tokens and separators; the file was truncated, or the index is unfinished");
  }
  return PackedArray::of_bytes(table.payload().data(), n, static_cast<unsigned>(width),
                               static_cast<unsigned>(std::countr_zero(token_bytes(text))));
}

PackedArray separators_of(const Section& table, const AnyText& text, std::uint64_t n_documents) {
  const PackedArray pointers = pointers_of(table, text);
  const unsigned n_bytes = pointers.bits() / 8;
  return PackedArray::of_bytes(table.payload().last(n_documents * n_bytes).data(), n_documents, n_bytes,
                               static_cast<unsigned>(std::countr_zero(token_bytes(text))));
}

std::optional<std::string> find_pointer_fault(const Section& table, const AnyText& text) {
  const PackedArray pointers = pointers_of(table, text);
  const unsigned n_bytes = pointers.bits() / 8;
  const PackedArray bytes = PackedArray::of_bytes(table.payload().data(), pointers.size(), n_bytes, 0);
  for (std::uint64_t rank = 0; rank < bytes.size(); ++rank) {
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): a token has 1, 2 or 4 bytes
    if (bytes[rank] % token_bytes(text) != 0) {
      return "rank " + std::to_string(rank) + " points to byte " + std::to_string(bytes[rank]) + ", inside a token";
    }
  }
  return std::nullopt;
}

SuffixArray suffix_array_of(const Section& table, const AnyText& text, std::uint64_t n_documents,
                            Position last_document) {
  const PackedArray pointers = pointers_of(table, text);
  const std::uint64_t n_suffixes = pointers.size() - n_documents;
  const TableSearch search(table, text, pointers);
  if (!search.ends_after(n_suffixes, 0) || (n_suffixes > 0 && search.ends_after(n_suffixes - 1, 0))) {
    table.damaged("does not end with the separators of " + std::to_string(n_documents) +
                  " documents; the index is unfinished, or its files do not belong together");
  }
  const unsigned n_bytes = pointers.bits() / 8;
  const PackedArray stored = PackedArray::of_bytes(table.payload().data(), n_suffixes, n_bytes,
                                                   static_cast<unsigned>(std::countr_zero(token_bytes(text))));
  return {stored, pieces_of(find_displaced(table, text, pointers, n_suffixes, last_document), n_suffixes)};
}

InfiniGramTables read_tables(const Section& table, const AnyText& text, const SuffixArray& suffix_array,
                             std::uint64_t vocab_size, std::size_t n_threads) {
  InfiniGramTables tables;
  const std::uint64_t n = suffix_array.size();
  tables.step = kSampleStep;
  while ((n + tables.step - 1) / tables.step > kMostSampledKeys) tables.step *= 2;
  const std::uint64_t n_keys = (n + tables.step - 1) / tables.step;
  tables.n_top_keys = (n_keys + kTopStep - 1) / kTopStep;
  tables.keys = LargeArray<std::uint64_t>(tables.n_top_keys + n_keys);
  std::uint64_t* const keys = tables.keys.data() + tables.n_top_keys;
  text.visit([&]<class Token>(Text<Token> typed) {
    const StoredSuffixes<Token> suffixes(table, typed, suffix_array);
    std::vector<NextToken> first_tokens;
    if (n > 0) NextTokenReader<Token, StoredSuffixes<Token>>(suffixes, 0).read({0, n}, first_tokens);
    NextTokenId largest = 0;
    for (const NextToken& first : first_tokens) {
      if (first.id == kEndOfDocument) throw_not_sorted(table, n - 1);
      largest = std::max(largest, first.id);
    }
    if (vocab_size != 0 && static_cast<std::uint64_t>(largest) >= vocab_size) {
      throw TokenizerError(table.path().parent_path().string() + " holds token " + std::to_string(largest) +
                           ", but the given vocabulary has " + std::to_string(vocab_size) +
                           " tokens; give the one that the index was built with");
    }
    if (vocab_size == 0 && static_cast<std::uint64_t>(largest) >= kMostImpliedTokens) {
      throw TokenizerError(table.path().parent_path().string() + " holds token " + std::to_string(largest) +
                           "; expected a token below " + std::to_string(kMostImpliedTokens) +
                           ", unless the tokenizer or the size of its vocabulary is given");
    }
    tables.first_tokens.resize(static_cast<std::size_t>(largest) + 1);
    Rank rank = 0;
    for (const NextToken& first : first_tokens) {
      tables.first_tokens[static_cast<std::size_t>(first.id)] = {rank, rank + first.count};
      rank += first.count;
    }
    const std::uint64_t n_chunks = (n_keys + kChunk - 1) / kChunk;
    parallel_for(n_chunks, n_threads, [&](std::size_t i, std::size_t) {
      read_keys(suffixes, table, tables.step, i * kChunk, std::min(n_keys, (i + 1) * kChunk), keys);
    });
  });
  for (std::uint64_t i = 0; i < tables.n_top_keys; ++i) tables.keys[i] = keys[i * kTopStep];
  tables.set_vocab_size(std::max<std::uint64_t>(vocab_size, tables.first_tokens.size()), text);
  return tables;
}

void InfiniGramTables::set_vocab_size(std::uint64_t vocab_size, const AnyText& text) {
  std::vector<TokenId> present;  // in the order of suffixes
  for (TokenId token = 0; token < first_tokens.size(); ++token) {
    if (!first_tokens[token].empty()) present.push_back(token);
  }
  std::ranges::sort(present, {}, [&](TokenId token) { return first_tokens[token].lo; });
  first_tokens.resize(vocab_size);
  text.visit([&]<class Token>(Text<Token>) {
    const auto lane = [](TokenId token) { return lane_of(static_cast<Token>(token)); };
    for (TokenId token = 0; token < vocab_size; ++token) {
      if (!first_tokens[token].empty()) continue;
      const auto next = std::ranges::upper_bound(present, lane(token), {}, lane);
      const Rank rank = next == present.begin() ? 0 : first_tokens[*std::prev(next)].hi;
      first_tokens[token] = {rank, rank};
    }
  });
}

}  // namespace infgram
