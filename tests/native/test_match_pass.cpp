// Long matches in repetitive texts, with bounds so small that the code for long matches decides most of them. Results
// are compared with a plain scan. The work is counted, since the bounds promise work, not time.
#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "check.hpp"
#include "index/shard_writer.hpp"
#include "query/count_spans.hpp"
#include "query/longest_match.hpp"
#include "query/match_pass.hpp"
#include "query/score.hpp"

namespace {

using namespace infgram;

using Tokens = std::vector<TokenId>;
using Documents = std::vector<Tokens>;

Tokens fibonacci_word(std::size_t size) {
  Tokens before = {0};
  Tokens word = {0, 1};
  while (word.size() < size) {
    Tokens next = word;
    next.insert(next.end(), before.begin(), before.end());
    before = std::exchange(word, std::move(next));
  }
  word.resize(size);
  return word;
}

// Makes texts of at most `most` tokens 0 to 2 that repeat themselves or each other.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  Tokens make(std::size_t most, const Documents& earlier) {
    const std::size_t size = below(most + 1);
    Tokens tokens(size);
    switch (below(6)) {
      case 0:
        for (TokenId& token : tokens) token = static_cast<TokenId>(below(3));
        break;
      case 1: {  // a period
        const std::size_t period = 1 + below(7);
        for (std::size_t i = 0; i < size; ++i)
          tokens[i] = static_cast<TokenId>(i < period ? below(3) : tokens[i - period]);
        break;
      }
      case 2: tokens = fibonacci_word(size); break;
      case 3:  // Thue-Morse
        for (std::size_t i = 0; i < size; ++i) tokens[i] = static_cast<TokenId>(std::popcount(i) % 2);
        break;
      default: {
        if (earlier.empty() || earlier.back().empty()) break;
        const Tokens& source = earlier[below(earlier.size())];
        const std::size_t begin = below(source.size() + 1);
        tokens.assign(source.begin() + static_cast<std::ptrdiff_t>(begin), source.end());
        if (!tokens.empty() && below(2) == 0) tokens[below(tokens.size())] = static_cast<TokenId>(below(3));
        const Tokens more = make(most / 2, earlier);
        tokens.insert(tokens.end(), more.begin(), more.end());
      }
    }
    return tokens;
  }

 private:
  std::mt19937 random_;
};

Index write_index(const std::filesystem::path& root, const Documents& documents, unsigned bits, std::size_t n_shards) {
  std::vector<ShardState> shards;
  for (std::size_t s = 0; s < n_shards; ++s) {
    shards.push_back({.folder = root / std::to_string(s), .first_document = documents.size() * s / n_shards});
    std::filesystem::remove_all(shards.back().folder);
    std::filesystem::create_directory(shards.back().folder);
    ShardWriter writer(shards.back().folder, 5, bits);
    for (std::size_t d = documents.size() * s / n_shards; d < documents.size() * (s + 1) / n_shards; ++d) {
      writer.add_document(documents[d], "");
    }
    writer.finish();
    sort_shard(shards.back().folder, {}, [](std::uint64_t) {});
  }
  return Index::open(shards);
}

// counts[i][l]: how often the first l tokens from position i on occur.
std::vector<std::vector<std::uint64_t>> scan(const Documents& documents, const Tokens& tokens) {
  std::vector<std::vector<std::uint64_t>> counts;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    auto& of_lengths = counts.emplace_back(tokens.size() - i + 1);
    for (const Tokens& document : documents) {
      for (std::size_t place = 0; place < document.size(); ++place) {
        for (std::size_t l = 0; i + l < tokens.size() && place + l < document.size(); ++l) {
          if (tokens[i + l] != document[place + l]) break;
          ++of_lengths[l + 1];
        }
      }
    }
  }
  return counts;
}

template <StoredToken Token>
void compare(const Index& index, const Tokens& tokens, const std::vector<std::vector<std::uint64_t>>& counts,
             std::uint64_t min_count, MatchBounds bounds) {
  MatchPass<Token> pass(index, tokens, min_count, bounds);
  std::vector<std::uint64_t> positions;
  std::vector<std::uint64_t> lengths;
  for (std::uint64_t i = 0; i < tokens.size(); ++i) {
    std::uint64_t longest = 0;
    while (i + longest < tokens.size() && counts[i][longest + 1] >= min_count) ++longest;
    check::that(pass.length(i) == longest, "a length");
    if (!pass.is_searched(i)) continue;
    for (std::uint64_t l = 1; l <= tokens.size() - i; ++l) {
      positions.push_back(i);
      lengths.push_back(l);
    }
    if (longest == 0) continue;
    std::vector<std::uint64_t> found(longest);
    for (std::size_t s = 0; s < pass.n_shards(); ++s) {
      ShardRanges ranges(longest);
      Strand strand = pass.extend(i, s, longest, 1, ranges.data());
      strand.run();
      for (std::size_t l = 0; l < longest; ++l) found[l] += ranges[l].size();
    }
    check::that(std::equal(found.begin(), found.end(), counts[i].begin() + 1), "the counts of prefixes");
  }
  const auto found = pass.counts(positions, lengths);
  for (std::size_t k = 0; k < found.size(); ++k)
    check::that(found[k] == counts[positions[k]][lengths[k]],
                "a count of " + std::to_string(lengths[k]) + " tokens from " + std::to_string(positions[k]) + " of " +
                    std::to_string(tokens.size()) + ": " + std::to_string(found[k]) + ", not " +
                    std::to_string(counts[positions[k]][lengths[k]]) + "; compared " + std::to_string(bounds.compared) +
                    ", min_count " + std::to_string(min_count));
}

void test_answers(const std::filesystem::path& root) {
  for (unsigned seed = 0; seed < 120; ++seed) {
    Maker maker(seed);
    Documents documents;
    for (std::size_t n = 1 + maker.below(6); n > 0; --n) documents.push_back(maker.make(90, documents));
    documents.push_back({0, 1, 2});
    const unsigned bits = 8U << (seed % 3);
    const Index index = write_index(root, documents, bits, 1 + maker.below(std::min<std::size_t>(5, documents.size())));
    Tokens tokens;
    for (std::size_t n = 1 + maker.below(3); n > 0; --n) {
      const Tokens more = maker.make(70, documents);
      tokens.insert(tokens.end(), more.begin(), more.end());
    }
    const auto counts = scan(documents, tokens);
    for (const std::uint64_t min_count : {1, 2, 3, 9}) {
      for (const MatchBounds bounds : {MatchBounds{4, 2, 1}, MatchBounds{6, 3, 5}, MatchBounds{10, 5, 3},
                                       MatchBounds{18, 9, 16}, MatchBounds{7, 11, 4}}) {
        with_token_type(index,
                        [&]<class Token>(Text<Token>) { compare<Token>(index, tokens, counts, min_count, bounds); });
      }
    }
  }
}

// The bounds on work: for any sequence no token of the text is read twice; for copies there are few searches.
void test_work(const std::filesystem::path& root) {
  constexpr std::size_t kSize = 20'000;
  Maker maker(7);
  Documents copies = {fibonacci_word(kSize)};
  for (const std::size_t period : {1, 2, 100, 1000, 20'000}) {
    Tokens tokens(kSize);
    for (std::size_t i = 0; i < kSize; ++i)
      tokens[i] = static_cast<TokenId>(i < period ? maker.below(3) : tokens[i - period]);
    copies.push_back(std::move(tokens));
  }
  Documents documents = copies;
  documents.push_back(copies.back());
  const Index index = write_index(root, documents, 16, 1);
  const std::uint64_t text_size = index.shards().front().typed_text<std::uint16_t>().size();
  for (const Tokens& copy : copies) {
    Tokens twice = copy;
    twice.insert(twice.end(), copy.begin(), copy.end());
    Tokens damaged = copy;
    for (std::size_t i = 0; i < kSize; i += 3001) damaged[i] = 4;
    for (const Tokens& tokens : {copy, twice, damaged}) {
      for (const std::uint64_t min_count : {1, 2}) {
        const MatchPass<std::uint16_t> pass(index, tokens, min_count);
        check::that(pass.n_read() <= text_size, "tokens read");
        check::that(pass.n_searches() <= tokens.size() / 4, "searches");
      }
    }
  }
  const MatchPass<std::uint16_t> pass(index, copies.back(), 1);
  check::that(pass.n_searches() < kSize / 64 + 3, "searches of a copy");

  // The public functions, with their own bounds, against separate finds.
  for (const Tokens& copy : copies) {
    Tokens tokens(copy.begin() + 5, copy.begin() + 3000);
    tokens[2000] = 4;
    const auto matches = longest_matches(index, tokens);
    std::vector<Span> spans;
    std::vector<std::int64_t> expected;
    for (std::size_t i = 0; i < tokens.size(); i += 7) {
      const auto found = std::span(tokens).subspan(i);
      const std::uint64_t length = matches[i].length;
      check::that(total_count(index, find(index, found.first(length))) == matches[i].count, "the count of a match");
      if (length < found.size()) check::that(total_count(index, find(index, found.first(length + 1))) == 0, "its end");
      for (const std::uint64_t size : {length, length + 1, length / 2}) {
        if (size == 0 || size > found.size()) continue;
        spans.push_back({i, i + size});
        expected.push_back(static_cast<std::int64_t>(total_count(index, find(index, found.first(size)))));
      }
    }
    check::that(count_spans(index, tokens, spans) == expected, "spans");
  }
}

}  // namespace

int main() {
  const check::TemporaryFolder folder;
  test_answers(folder.path());
  test_work(folder.path());
  return check::result();
}
