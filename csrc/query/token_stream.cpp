#include "query/token_stream.hpp"

#include <algorithm>

namespace infgram {

TokenStream::TokenStream(const Index& index) {
  for (const Shard& shard : index.shards()) {
    const auto add = [&](Position begin, Position end) {
      if (begin >= end) return;
      runs_.push_back({size_, &shard, begin});
      size_ += end - begin;
    };
    Position begin = shard.document_span(0).begin;
    const PackedArray& removed = shard.removed_documents();
    for (std::uint64_t i = 0; i < removed.size(); ++i) {
      const Shard::Span span = shard.document_span(removed[i]);
      add(begin, span.begin);
      begin = span.end + 1;
    }
    add(begin, shard.document_span(shard.n_stored_documents() - 1).end + 1);
  }
}

void TokenStream::read(std::uint64_t begin, std::int64_t end_of_text, std::span<std::int64_t> ids) const {
  auto run = std::ranges::upper_bound(runs_, begin, {}, &Run::begin);
  std::size_t n_read = 0;
  while (n_read < ids.size() && begin + n_read < size_) {
    const std::uint64_t end = run == runs_.end() ? size_ : run->begin;
    const Run& from = *std::prev(run);
    const std::size_t n = std::min<std::uint64_t>(ids.size() - n_read, end - (begin + n_read));
    const Position first = from.position + (begin + n_read - from.begin);
    from.shard->text().visit([&]<class Token>(Text<Token>) {
      for (std::size_t i = 0; i < n; ++i) {
        const NextTokenId id = next_token_of(from.shard->code<Token>(first + i));
        ids[n_read + i] = id == kEndOfDocument ? end_of_text : id;
      }
    });
    n_read += n;
    ++run;
  }
  std::ranges::fill(ids.subspan(n_read), end_of_text);
}

}  // namespace infgram
