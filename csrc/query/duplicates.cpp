#include "query/duplicates.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <stop_token>

#include "base/parallel.hpp"
#include "query/search_batch.hpp"
#include "query/suffix_merge.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kLongestBound = 32;              // tokens
constexpr std::uint64_t kStep = std::uint64_t{1} << 14;  // suffixes between two checks of the stop token

using Marks = std::span<LargeArray<std::uint64_t>>;

// Takes suffixes in order and marks those that begin like the previous one, except the first position of each group.
// Not thread-safe, but several markers may share the bitmaps.
template <StoredToken Token>
class Marker {
 public:
  Marker(const Index& index, std::uint64_t min_tokens, Marks marks) : min_tokens_(min_tokens), marks_(marks) {
    for (const Shard& shard : index.shards()) texts_.push_back(shard.typed_text<Token>());
  }

  void add(std::size_t shard, Position position) {
    const Place place{shard, position};
    const Text<Token>& text = texts_[shard];
    const Token* const suffix = min_tokens_ <= text.size() - position ? text.data() + position : nullptr;
    if (suffix != nullptr && previous_ != nullptr && begin_alike(suffix, previous_)) {
      mark(std::max(first_, place));
      first_ = std::min(first_, place);
    } else {
      first_ = place;
      is_inside_document_ = false;
    }
    previous_ = suffix;
  }

 private:
  struct Place {
    std::size_t shard;
    Position position;
    auto operator<=>(const Place&) const = default;
  };

  // Whether the two share min_tokens tokens, all inside their documents.
  bool begin_alike(const Token* a, const Token* b) {
    if (std::memcmp(a, b, min_tokens_ * sizeof(Token)) != 0) return false;
    if (!is_inside_document_) is_inside_document_ = !has_separator(a);
    return is_inside_document_;
  }

  [[nodiscard]] bool has_separator(const Token* tokens) const {
    return std::find(tokens, tokens + min_tokens_, Text<Token>::kSeparator) != tokens + min_tokens_;
  }

  void mark(Place place) {
    std::uint64_t& word = marks_[place.shard][place.position / 64];
    std::atomic_ref(word).fetch_or(std::uint64_t{1} << (place.position % 64), std::memory_order_relaxed);
  }

  std::uint64_t min_tokens_;
  Marks marks_;
  std::vector<Text<Token>> texts_;
  const Token* previous_ = nullptr;  // the previous suffix, or null if it is too short
  Place first_{};                    // of the current group
  bool is_inside_document_ = false;  // whether the group's first tokens are known to contain no separator
};

// Partitions the merged order of all suffixes into `n_slices` of about equal size. The boundaries are patterns of at
// most min_tokens tokens, so that no group is split: slice i holds the ranks [bounds[i][s], bounds[i + 1][s]) of shard
// s.
template <StoredToken Token>
std::vector<std::vector<std::uint64_t>> bounds_of(const Index& index, std::uint64_t min_tokens,
                                                  std::uint64_t n_slices) {
  const auto shards = index.shards();
  const Shard& largest = *std::ranges::max_element(shards, {}, &Shard::n_suffixes);
  std::vector<std::vector<std::uint64_t>> bounds(n_slices + 1, std::vector<std::uint64_t>(shards.size()));
  for (std::size_t s = 0; s < shards.size(); ++s) bounds.back()[s] = shards[s].n_suffixes();
  for (std::uint64_t i = 1; i < n_slices; ++i) {
    const Position position = largest.position(largest.n_suffixes() / n_slices * i);
    const Text<Token> text = largest.typed_text<Token>();
    std::vector<TokenId> pattern;
    for (std::uint64_t d = 0; d < std::min({min_tokens, kLongestBound, text.size() - position}); ++d) {
      if (text[position + d] == Text<Token>::kSeparator) break;
      pattern.push_back(text[position + d]);
    }
    const Sequence<Token> sequence(pattern);
    std::vector<PatternSearch<Token>> searches;
    for (const Shard& shard : shards) searches.push_back(search_in(shard, sequence.pattern(0, pattern.size())));
    insert_all<Token>(searches);
    for (std::size_t s = 0; s < shards.size(); ++s) {
      bounds[i][s] = searches[s].at.rank;
      if (bounds[i][s] < bounds[i - 1][s]) shards[s].throw_not_in_order(bounds[i][s]);
    }
  }
  return bounds;
}

template <StoredToken Token>
void mark_duplicates(const Index& index, std::uint64_t min_tokens, std::size_t n_threads,
                     const DuplicateProgress& progress, std::uint64_t task_suffixes, Marks marks) {
  const std::uint64_t n_slices = std::max<std::uint64_t>(1, index.n_tokens() / task_suffixes);
  const auto bounds = bounds_of<Token>(index, min_tokens, n_slices);
  std::atomic<std::uint64_t> n_done = 0;
  watched_parallel_for(
      n_slices, n_threads,
      [&](std::size_t i, const std::stop_token& stop) {
        std::vector<SuffixRange> ranges;
        for (std::size_t s = 0; s < index.shards().size(); ++s) ranges.push_back({bounds[i][s], bounds[i + 1][s]});
        Marker<Token> marker(index, min_tokens, marks);
        std::uint64_t n = 0;
        merge_suffixes<Token>(index, ranges, min_tokens, [&](std::size_t shard, Position position) {
          marker.add(shard, position);
          if (++n % kStep != 0) return true;
          n_done += kStep;
          return !stop.stop_requested();
        });
        n_done += n % kStep;
      },
      [&] { progress(n_done); });
}

}  // namespace

Duplicates Duplicates::find(const Index& index, std::uint64_t min_tokens, std::size_t n_threads,
                            const DuplicateProgress& progress, std::uint64_t task_suffixes) {
  Duplicates result(index, min_tokens);
  for (const Shard& shard : index.shards()) result.marks_.emplace_back((shard.text().size + 63) / 64);
  with_token_type(index, [&]<class Token>(Text<Token>) {
    mark_duplicates<Token>(index, min_tokens, n_threads, progress, task_suffixes, result.marks_);
  });
  return result;
}

std::vector<DocumentRange> Duplicates::ranges(std::uint64_t first, std::uint64_t last) const {
  std::vector<DocumentRange> found;
  for (std::size_t s = 0; s < index_->shards().size(); ++s) {
    const Shard& shard = index_->shards()[s];
    const std::uint64_t end = shard.first_document_from(last);
    for (std::uint64_t d = shard.first_document_from(first); d < end; ++d) append_ranges(s, d, found);
  }
  return found;
}

void Duplicates::append_ranges(std::size_t s, std::uint64_t in_shard, std::vector<DocumentRange>& found) const {
  const Shard& shard = index_->shards()[s];
  const std::uint64_t document = shard.document_number(in_shard);
  const Shard::Span span = shard.document_span(in_shard);
  const LargeArray<std::uint64_t>& marks = marks_[s];
  for (Position position = span.begin; position < span.end;) {
    const std::uint64_t remaining = marks[position / 64] >> (position % 64);
    if (remaining == 0) {
      position = (position / 64 + 1) * 64;
      continue;
    }
    position += static_cast<std::uint64_t>(std::countr_zero(remaining));
    if (position >= span.end) break;  // in the next document
    const std::uint64_t begin = position - span.begin;
    if (min_tokens_ > span.end - position) shard.throw_not_in_document(position, in_shard);
    if (found.empty() || found.back().document != document || found.back().end < begin) {
      found.push_back({document, begin, begin});
    }
    found.back().end = begin + min_tokens_;
    ++position;
  }
}

}  // namespace infgram
