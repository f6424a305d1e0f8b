#include "query/next_token.hpp"

#include <algorithm>
#include <optional>

namespace infgram {
namespace {

// The row after the suffix of this rank: the separator plus one wraps to 0, minus one is kEndOfDocument.
template <class Token>
RowId row_after(const Shard& shard, Text<Token> text, std::uint64_t rank, std::uint64_t depth) {
  return static_cast<RowId>(static_cast<Token>(text[shard.position(rank, depth)] + 1)) - 1;
}

void append_first_tokens(const Shard& shard, std::vector<NextToken>& rows) {
  rows.push_back({kEndOfDocument, shard.n_documents()});
  for (std::uint64_t token = 0; token < shard.vocab_size(); ++token) {
    const std::uint64_t count = shard.first_token_range(static_cast<TokenId>(token)).count();
    if (count > 0) rows.push_back({static_cast<RowId>(token), count});
  }
}

void append_rows(const Shard& shard, SuffixRange range, std::uint64_t depth, std::vector<NextToken>& rows) {
  if (depth == 0) return append_first_tokens(shard, rows);
  if (range.empty()) return;
  const auto append = [&](RowId row, std::uint64_t count) { rows.push_back({row, count}); };
  if (shard.continuations().for_each_row(range, depth, append)) return;
  shard.text().visit([&]<class Token>(Text<Token>) { RowReader<Token, Shard>(shard, depth).read(range, rows); });
}

// Adds the counts of equal rows.
void merge_rows(std::vector<NextToken>& rows) {
  std::ranges::sort(rows, {}, &NextToken::row);
  std::size_t n_merged = 0;
  for (const NextToken& next : rows) {
    if (n_merged > 0 && rows[n_merged - 1].row == next.row) {
      rows[n_merged - 1].count += next.count;
    } else {
      rows[n_merged++] = next;
    }
  }
  rows.resize(n_merged);
}

}  // namespace

NextTokens next_tokens(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth) {
  NextTokens result;
  for (std::size_t s = 0; s < ranges.size(); ++s) append_rows(index.shards()[s], ranges[s], depth, result.rows);
  if (ranges.size() > 1) merge_rows(result.rows);
  for (const NextToken& next : result.rows) result.context_count += next.count;
  return result;
}

bool is_sparse(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth) {
  if (depth == 0) return next_tokens(index, ranges, depth).rows.size() == 1;
  std::optional<RowId> only;
  for (std::size_t s = 0; s < ranges.size(); ++s) {
    if (ranges[s].empty()) continue;
    const Shard& shard = index.shards()[s];
    const auto [first, last] = shard.text().visit([&]<class Token>(Text<Token> text) {
      return std::pair(row_after(shard, text, ranges[s].lo, depth), row_after(shard, text, ranges[s].hi - 1, depth));
    });
    if (first != last || (only && *only != first)) return false;
    only = first;
  }
  return only.has_value();
}

void keep_top(std::vector<NextToken>& rows, std::size_t k) {
  const auto n = static_cast<std::ptrdiff_t>(std::min(k, rows.size()));
  std::partial_sort(rows.begin(), rows.begin() + n, rows.end(), [](const NextToken& a, const NextToken& b) {
    return a.count != b.count ? a.count > b.count : a.row < b.row;
  });
  rows.resize(static_cast<std::size_t>(n));
}

}  // namespace infgram
