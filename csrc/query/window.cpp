#include "query/window.hpp"

#include <algorithm>

namespace infgram {

std::vector<std::int64_t> read_window(const Index& index, std::uint64_t document, std::uint64_t begin,
                                      std::uint64_t end) {
  const auto [shard, in_shard] = index.locate_document(document);
  const Shard::Span span = index.shards()[shard].document_span(in_shard);
  const std::uint64_t length = span.end - span.begin;
  begin = std::min(begin, length);
  end = std::clamp(end, begin, length);
  std::vector<std::int64_t> ids;
  index.shards()[shard].read_tokens({span.begin + begin, span.begin + end}, ids);
  return ids;
}

std::uint64_t document_length(const Index& index, std::uint64_t document) {
  const auto [shard, in_shard] = index.locate_document(document);
  const Shard::Span span = index.shards()[shard].document_span(in_shard);
  return span.end - span.begin;
}

}  // namespace infgram
