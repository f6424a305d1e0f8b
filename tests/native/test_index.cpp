// Concurrent readers of one open index, for ThreadSanitizer: all results are compared with those of one thread.
#include <thread>
#include <vector>

#include "check.hpp"
#include "index/shard_writer.hpp"
#include "query/conjunction.hpp"
#include "query/locate.hpp"
#include "query/longest_suffix.hpp"
#include "query/next_token.hpp"
#include "query/score.hpp"

namespace {

using namespace infgram;

struct Answers {
  std::vector<std::uint64_t> counts;
  std::vector<NextToken> rows;
  std::vector<Location> documents;
  std::vector<std::uint64_t> scores;
  bool operator==(const Answers&) const = default;
};

Answers ask(const Index& index, std::span<const TokenId> text) {
  Answers answers;
  for (std::size_t i = 0; i + 3 <= text.size(); ++i) {
    const ShardRanges ranges = find(index, text.subspan(i, 3));
    answers.counts.push_back(total_count(index, ranges));
    const auto next = next_tokens(index, ranges, 3);
    answers.rows.insert(answers.rows.end(), next.tokens.begin(), next.tokens.end());
    const auto documents = sampled_documents(index, ranges, 3, i, 1000, {0, total_count(index, ranges)});
    answers.documents.insert(answers.documents.end(), documents.begin(), documents.end());
    answers.counts.push_back(document_count(index, ranges, [](std::uint64_t) {}));
    answers.counts.push_back(longest_suffix(index, text.first(i), 2).length);
  }
  for (std::size_t i = 0; i + 8 <= text.size(); i += 8) {
    const auto term = [&](std::size_t begin, std::size_t size) {
      return std::vector<TokenId>(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                  text.begin() + static_cast<std::ptrdiff_t>(begin + size));
    };
    std::vector<Clause> clauses;
    clauses.emplace_back(index, std::vector{term(i, 1), term(i, 2)});
    clauses.emplace_back(index, std::vector{term(i + 2, 4), term(i + 4, 2)});
    const Conjunction conjunction(index, std::move(clauses), i);
    const Poll poll = [](std::uint64_t) {};
    for (const MatchingDocument& found : conjunction.documents(poll)) {
      answers.counts.push_back(found.n_matches);
      check::that(conjunction.matches(found.document, 1, poll).count == found.n_matches, "the matches of a document");
    }
    for (const MatchingDocument& found :
         conjunction.sampled_documents(3, i, {0, conjunction.clauses()[0].count()}, poll)) {
      answers.counts.push_back(found.document);
    }
  }
  for (const PositionScore& score : score(index, text, true, 1)) answers.scores.push_back(score.continuation_count);
  return answers;
}

std::vector<TokenId> document_of(std::uint32_t seed, std::size_t size) {
  std::vector<TokenId> document;
  for (std::uint32_t x = seed; document.size() < size; x = x * 1664525 + 1013904223) document.push_back((x >> 24) % 7);
  return document;
}

Index write_index(const std::filesystem::path& root) {
  std::vector<ShardState> shards;
  for (std::uint32_t s = 0; s < 3; ++s) {
    shards.push_back({.folder = root / std::to_string(s), .first_document = 20 * s});
    std::filesystem::create_directory(shards.back().folder);
    ShardWriter writer(shards.back().folder, 1000, 16);
    for (std::uint32_t d = 0; d < 20; ++d) writer.add_document(document_of(s * 100 + d, 50 * d), "{}");
    writer.finish();
    sort_shard(shards.back().folder, {.n_threads = 4}, [](std::uint64_t) {});
    Shard::open(shards.back()).verify([](std::uint64_t) {});
  }
  return Index::open(shards);
}

}  // namespace

int main() {
  const check::TemporaryFolder folder;
  const Index index = write_index(folder.path());
  const std::vector<TokenId> text = document_of(5, 120);
  const Answers expected = ask(index, text);
  check::that(expected.counts.front() > 0);
  std::vector<std::jthread> readers;
  for (int i = 0; i < 8; ++i)
    readers.emplace_back([&] { check::that(ask(index, text) == expected, "a reader's answers"); });
  readers.clear();
  return check::result();
}
