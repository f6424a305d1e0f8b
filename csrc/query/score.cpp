#include "query/score.hpp"

#include <utility>

namespace infgram {
namespace {

// The longest suffix, often enough in the index, of the tokens read so far.
class Context {
 public:
  Context(const Index& index, std::span<const TokenId> tokens, std::uint64_t min_count)
      : index_(index), tokens_(tokens), min_count_(min_count), ranges_(find(index, {})) {}

  [[nodiscard]] PositionScore score(RowId row) const {
    const std::uint64_t n_ends = length() == 0 ? index_.n_documents() : 0;
    const std::uint64_t context_count = total_count(ranges_) + n_ends;
    if (length() == 0 && row == kEndOfDocument) return {0, context_count, n_ends};
    return {length(), context_count, total_count(followed_by(row))};
  }

  // Reads the next token.
  void advance() {
    ShardRanges ranges = followed_by(tokens_[end_]);
    ++end_;
    while (total_count(ranges) < min_count_ && begin_ < end_) {
      ++begin_;
      ranges = find(index_, tokens_.subspan(begin_, length()));
    }
    ranges_ = std::move(ranges);
  }

 private:
  [[nodiscard]] std::uint64_t length() const { return end_ - begin_; }

  [[nodiscard]] ShardRanges followed_by(RowId row) const {
    ShardRanges ranges;
    for (std::size_t s = 0; s < ranges_.size(); ++s) {
      ranges.push_back(narrow(index_.shards()[s], ranges_[s], length(), row));
    }
    return ranges;
  }

  const Index& index_;
  std::span<const TokenId> tokens_;
  std::uint64_t min_count_;
  std::uint64_t begin_ = 0;  // the context is tokens_[begin_, end_)
  std::uint64_t end_ = 0;
  ShardRanges ranges_;
};

}  // namespace

std::vector<PositionScore> score(const Index& index, std::span<const TokenId> tokens, bool with_end,
                                 std::uint64_t min_count) {
  std::vector<PositionScore> scores;
  scores.reserve(tokens.size() + 1);
  Context context(index, tokens, min_count);
  for (const TokenId token : tokens) {
    scores.push_back(context.score(token));
    context.advance();
  }
  if (with_end) scores.push_back(context.score(kEndOfDocument));
  return scores;
}

}  // namespace infgram
