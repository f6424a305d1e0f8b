// Interleaved searches, and searches on many threads: all results are compared with a plain scan.
#include <algorithm>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/errors.hpp"
#include "base/interleave.hpp"
#include "check.hpp"
#include "index/shard_writer.hpp"
#include "query/count_spans.hpp"
#include "query/locate.hpp"
#include "query/longest_match.hpp"
#include "query/score.hpp"
#include "query/session.hpp"
#include "query/window.hpp"

namespace {

using namespace infgram;

Strand count_down(int from, int& n_steps) {
  const int memory = 0;
  for (int i = from; i > 0; --i) {
    co_await Fetch{&memory};
    ++n_steps;
  }
}

Strand fail_after(int n) {
  const int memory = 0;
  for (int i = 0; i < n; ++i) co_await Fetch{&memory};
  throw std::runtime_error("failed");
}

void test_interleave() {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, kInterleaved, std::size_t{100}}) {
    std::vector<int> steps(n);
    interleave(n, [&](std::size_t i) { return i % 7 == 3 ? Strand() : count_down(static_cast<int>(i % 5), steps[i]); });
    for (std::size_t i = 0; i < n; ++i) check::that(steps[i] == (i % 7 == 3 ? 0 : static_cast<int>(i % 5)), "steps");
    for (const std::size_t failing : {std::size_t{0}, n / 2}) {
      if (n == 0) continue;
      bool has_thrown = false;
      try {
        interleave(n, [&](std::size_t i) { return i == failing ? fail_after(2) : count_down(3, steps[i]); });
      } catch (const std::runtime_error&) {
        has_thrown = true;
      }
      check::that(has_thrown, "a failing strand");
    }
  }
}

std::vector<TokenId> random_tokens(std::uint32_t seed, std::size_t size, std::uint32_t n_ids) {
  std::vector<TokenId> tokens;
  for (std::uint32_t x = seed; tokens.size() < size; x = x * 1664525 + 1013904223) {
    const std::uint32_t a = (x >> 24) % n_ids;
    tokens.push_back(std::min(a, (x >> 12) % n_ids));  // small ids are more frequent
  }
  return tokens;
}

using Documents = std::vector<std::vector<TokenId>>;

Documents make_documents(std::uint32_t n_ids) {
  Documents documents;
  for (std::uint32_t d = 0; d < 12; ++d) documents.push_back(random_tokens(d * 77 + n_ids, 40 * d, n_ids));
  documents.push_back(documents[9]);
  documents.emplace_back(300, 1);
  return documents;
}

Index write_index(const std::filesystem::path& root, const Documents& documents, std::uint32_t n_ids, unsigned bits,
                  std::size_t n_shards) {
  std::vector<ShardState> shards;
  for (std::size_t s = 0; s < n_shards; ++s) {
    shards.push_back(
        {.folder = root / (std::to_string(bits) + "-" + std::to_string(n_shards) + "-" + std::to_string(s)),
         .first_document = documents.size() * s / n_shards});
    std::filesystem::create_directory(shards.back().folder);
    ShardWriter writer(shards.back().folder, n_ids, bits);
    for (std::size_t d = documents.size() * s / n_shards; d < documents.size() * (s + 1) / n_shards; ++d) {
      writer.add_document(documents[d], "");
    }
    writer.finish();
    sort_shard(shards.back().folder, {.n_threads = 2}, [](std::uint64_t) {});
    Shard::open(shards.back()).verify([](std::uint64_t) {});
  }
  return Index::open(shards, n_shards == 2 ? Access::kMemory : Access::kWarm);
}

std::uint64_t scan(const Documents& documents, std::span<const TokenId> pattern) {
  std::uint64_t count = 0;
  for (const auto& document : documents) {
    for (std::size_t i = 0; i + pattern.size() <= document.size(); ++i) {
      count += std::ranges::equal(std::span(document).subspan(i, pattern.size()), pattern) ? 1 : 0;
    }
  }
  return count;
}

std::vector<TokenId> question(const Documents& documents, std::uint32_t seed, std::uint32_t n_ids) {
  std::vector<TokenId> tokens = random_tokens(seed, 6, n_ids);
  const auto& source = documents[seed % documents.size()];
  tokens.insert(tokens.end(), source.begin(), source.begin() + static_cast<std::ptrdiff_t>(source.size() / 3));
  const std::vector<TokenId> end = random_tokens(seed + 1, 5, n_ids);
  tokens.insert(tokens.end(), end.begin(), end.end());
  return tokens;
}

// Runs every query, and compares with the scan.
void ask(const Index& index, const Documents& documents, std::span<const TokenId> text) {
  std::vector<TokenId> flat;
  std::vector<std::size_t> starts = {0};
  std::vector<Span> spans;
  std::vector<std::int64_t> expected;
  const auto matches = longest_matches(index, text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint64_t longest = 0;
    for (std::size_t size = 1; size <= std::min<std::size_t>(12, text.size() - i); ++size) {
      const auto pattern = text.subspan(i, size);
      const std::uint64_t count = scan(documents, pattern);
      check::that(total_count(index, find(index, pattern)) == count, "find");
      flat.insert(flat.end(), pattern.begin(), pattern.end());
      starts.push_back(flat.size());
      spans.push_back({i, i + size});
      expected.push_back(static_cast<std::int64_t>(count));
      if (count > 0) longest = size;
    }
    check::that(longest == std::min<std::uint64_t>(12, matches[i].length), "the length of a match");
    const std::uint64_t count =
        matches[i].length == 0 ? index.n_tokens() : scan(documents, text.subspan(i, matches[i].length));
    check::that(matches[i].count == count, "the count of a match");
  }
  check::that(count_batch(index, flat, starts) == expected, "a batch");
  check::that(count_spans(index, text, spans) == expected, "spans");

  const auto scores = score(index, text, true, 1);
  Session session(index, {}, 1);
  for (std::size_t t = 0; t <= text.size(); ++t) {
    const PositionScore& found = scores[t];
    check::that(found.suffix_length == session.suffix().size(), "the suffix of a session");
    check::that(found.context_count == session.context_count(), "the count of a session");
    const NextTokenId next_token = t < text.size() ? static_cast<NextTokenId>(text[t]) : kEndOfDocument;
    check::that(found.continuation_count == session.continuation_count(next_token), "a continuation");
    const NextTokens next = session.distribution();
    const auto found_row = std::ranges::find(next.tokens, next_token, &NextToken::id);
    check::that((found_row == next.tokens.end() ? 0 : found_row->count) == found.continuation_count, "a next token");
    if (t < text.size()) session.append(text[t]);
  }
}

// Reads windows of every document, also beyond its end.
void read_windows(const Index& index, const Documents& documents) {
  for (std::size_t d = 0; d < documents.size(); ++d) {
    const std::size_t size = documents[d].size();
    for (const auto& [begin, end] : {std::pair(0UL, size), std::pair(size / 3, size / 2), std::pair(size / 2, size / 3),
                                     std::pair(size / 2, ~0UL), std::pair(size + 5, ~0UL)}) {
      const std::size_t first = std::min(begin, size);
      const auto expected = std::span(documents[d]).subspan(first, std::clamp(end, first, size) - first);
      check::that(std::ranges::equal(read_window(index, d, begin, end), expected), "a window");
    }
  }
  check::throws<QueryError>([&] { (void)read_window(index, documents.size(), 0, 1); });
  for (std::uint64_t d = 0; d < documents.size(); ++d)
    check::that(document_length(index, d) == documents[d].size(), "the length of a document");
  check::throws<QueryError>([&] { (void)document_length(index, documents.size()); });
}

// Samples when there are more occurrences than are read: distinct documents with an occurrence, no more than were read.
void sample(const Index& index, const Documents& documents, TokenId token) {
  const ShardRanges ranges = find(index, {&token, 1});
  const Frame frame{0, total_count(index, ranges)};
  for (const std::uint64_t most_read : {0UL, 1UL, 5UL, 50UL, ~0UL}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto found = sampled_documents(index, ranges, 1000, seed, most_read, frame);
      std::set<std::uint64_t> distinct;
      for (const auto& [document, offset] : found) {
        check::that(documents[document].at(offset) == token, "the place of a match");
        distinct.insert(document);
      }
      check::that(distinct.size() == found.size() && found.size() <= most_read, "distinct documents");
      const auto all = sampled_documents(index, ranges, 1000, seed, ~0UL, frame);
      check::that(most_read < frame.total || found == all, "all");
    }
  }
}

}  // namespace

int main() {
  test_interleave();
  const check::TemporaryFolder folder;
  for (const auto& [n_ids, bits] : {std::pair(5U, 8U), std::pair(5U, 16U), std::pair(70'000U, 32U)}) {
    const Documents documents = make_documents(std::min(n_ids, 9U));
    for (const std::size_t n_shards : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
      const Index index = write_index(folder.path(), documents, std::max(n_ids, 9U), bits, n_shards);
      read_windows(index, documents);
      for (TokenId token = 0; token < std::min(n_ids, 9U); ++token) sample(index, documents, token);
      std::vector<std::jthread> askers;
      for (std::uint32_t i = 0; i < 8; ++i) {
        askers.emplace_back([&, i] { ask(index, documents, question(documents, 31 * i + bits, std::min(n_ids, 9U))); });
      }
    }
  }
  return check::result();
}
