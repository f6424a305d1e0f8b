#include "query/session.hpp"

#include <algorithm>
#include <utility>

namespace infgram {

Session::Session(const Index& index, std::span<const TokenId> context, std::uint64_t min_count)
    : index_(&index), min_count_(min_count), n_tokens_(context.size()), suffix_(context.begin(), context.end()) {
  LongestSuffix longest = longest_suffix(index, context, min_count);
  set_suffix(longest.length, std::move(longest.ranges));
}

void Session::append(TokenId token) {
  ShardRanges ranges = narrow(*index_, suffix_, ranges_, token);
  suffix_.push_back(token);
  ++n_tokens_;
  if (total_count(*index_, ranges) >= min_count_) {
    ranges_ = std::move(ranges);
    return;
  }
  LongestSuffix longest = longest_suffix(*index_, std::span(suffix_).subspan(1), min_count_);
  set_suffix(longest.length, std::move(longest.ranges));
}

std::uint64_t Session::context_count() const {
  return total_count(*index_, ranges_) + (suffix_.empty() ? index_->n_documents() : 0);
}

std::uint64_t Session::continuation_count(NextTokenId next_token) const {
  if (suffix_.empty() && next_token == kEndOfDocument) return index_->n_documents();
  return total_count(*index_, narrow(*index_, suffix_, ranges_, next_token));
}

void Session::set_suffix(std::uint64_t length, ShardRanges ranges) {
  suffix_.erase(suffix_.begin(), suffix_.end() - static_cast<std::ptrdiff_t>(length));
  ranges_ = std::move(ranges);
}

}  // namespace infgram
