// Keys; the sorter against std::sort for many kinds of text, widths, numbers of threads and block sizes.
#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "check.hpp"
#include "suffix/suffix_sort.hpp"

namespace {

using namespace infgram;

template <StoredToken Token>
std::vector<Token> padded(const std::vector<std::vector<TokenId>>& documents, std::size_t& size) {
  std::vector<Token> text;
  for (const auto& document : documents) {
    for (const TokenId id : document) text.push_back(static_cast<Token>(id));
    text.push_back(Text<Token>::kSeparator);
  }
  size = text.size();
  text.insert(text.end(), 64 / sizeof(Token), Text<Token>::kSeparator);
  return text;
}

template <StoredToken Token>
std::vector<std::uint64_t> sorted_slowly(const std::vector<Token>& text, std::size_t size) {
  std::vector<std::uint64_t> positions;
  for (std::uint64_t i = 0; i < size; ++i) {
    if (text[i] != Text<Token>::kSeparator) positions.push_back(i);
  }
  std::ranges::sort(positions, [&](std::uint64_t a, std::uint64_t b) {
    for (std::uint64_t i = a, j = b;; ++i, ++j) {
      const bool a_ends = text[i] == Text<Token>::kSeparator;
      const bool b_ends = text[j] == Text<Token>::kSeparator;
      if (a_ends && b_ends) return a < b;
      if (a_ends || b_ends) return a_ends;
      if (text[i] != text[j]) return text[i] < text[j];
    }
  });
  return positions;
}

template <StoredToken Token>
void check_sorted(const std::vector<std::vector<TokenId>>& documents, TokenId largest_id, const std::string& name) {
  std::size_t size = 0;
  const std::vector<Token> text = padded<Token>(documents, size);
  const std::vector<std::uint64_t> expected = sorted_slowly(text, size);
  const AnyText any{reinterpret_cast<const std::byte*>(text.data()), size, 8 * sizeof(Token)};
  for (const std::size_t n_threads : {1UL, 3UL}) {
    for (const std::uint64_t memory_bytes : {0UL, 1UL << 40}) {
      std::vector<std::uint64_t> found;
      sort_suffixes(
          any, largest_id, {n_threads, memory_bytes},
          [&](std::span<const std::uint64_t> part) { found.insert(found.end(), part.begin(), part.end()); },
          [](std::uint64_t) {});
      check::that(found == expected, name + " at " + std::to_string(n_threads) + " threads");
    }
  }
}

using Documents = std::vector<std::vector<TokenId>>;

std::vector<std::pair<std::string, Documents>> texts(TokenId largest_id) {
  std::mt19937 random(7);
  const auto random_document = [&](std::size_t size, TokenId n_ids) {
    std::vector<TokenId> document(size);
    for (auto& id : document) id = largest_id - static_cast<TokenId>(random() % n_ids);
    return document;
  };
  std::vector<TokenId> fibonacci = {0};
  for (std::vector<TokenId> next = {0, largest_id}; fibonacci.size() < 3000;) {
    std::vector<TokenId> sum = next;
    sum.insert(sum.end(), fibonacci.begin(), fibonacci.end());
    fibonacci = next;
    next = sum;
  }
  const std::vector<TokenId> page = random_document(700, 2);
  std::vector<TokenId> period;
  for (int i = 0; i < 40; ++i) period.insert(period.end(), page.begin(), page.begin() + 101);
  return {
      {"one empty document", {{}}},
      {"empty documents", {{}, {}, {largest_id}, {}}},
      {"one token", {{largest_id}}},
      {"one token repeated", {std::vector<TokenId>(4000, largest_id)}},
      {"one token repeated in several documents", {std::vector<TokenId>(700, 0), {}, std::vector<TokenId>(900, 0)}},
      {"a period", {period}},
      {"a Fibonacci word", {fibonacci}},
      {"copies of a document", Documents(12, page)},
      {"copies and a longer one", {page, period, page, {}, page, fibonacci}},
      {"two ids", {random_document(3000, 2), random_document(2000, 2)}},
      {"many ids", {random_document(3000, std::min(largest_id, 5000U)), random_document(10, 1)}},
  };
}

template <StoredToken Token>
std::vector<std::uint64_t> sorted(const std::vector<Token>& text, std::size_t size, const SuffixSortOptions& options) {
  std::vector<std::uint64_t> found;
  sort_suffixes(
      {reinterpret_cast<const std::byte*>(text.data()), size, 8 * sizeof(Token)}, 254, options,
      [&](std::span<const std::uint64_t> part) { found.insert(found.end(), part.begin(), part.end()); },
      [](std::uint64_t) {});
  return found;
}

// Texts with more equal prefixes than the smallest blocks hold: tied blocks, and their division by ranks.
template <StoredToken Token>
void test_tied_blocks(const std::string& width) {
  std::mt19937 random(3);
  std::vector<TokenId> runs;
  while (runs.size() < 100'000) {
    runs.insert(runs.end(), random() % 3000, static_cast<TokenId>(7 + random() % 2));
    runs.push_back(static_cast<TokenId>(random() % 20));
  }
  const std::vector<TokenId> page(runs.begin(), runs.begin() + 150);
  for (const Documents& documents : {Documents{runs, page, runs}, Documents(700, page)}) {
    std::size_t size = 0;
    const std::vector<Token> text = padded<Token>(documents, size);
    const auto expected = sorted(text, size, {1, std::uint64_t{1} << 40});
    for (const std::uint64_t memory_bytes : {std::uint64_t{0}, std::uint64_t{6'000'000}}) {
      check::that(sorted(text, size, {3, memory_bytes}) == expected, "tied blocks, " + width);
    }
  }
}

void test_keys() {
  const std::vector<std::uint16_t> text = {1, 2, 3, 4, 0, 0xFFFE, 0xFFFF, 7, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF};
  const Text<std::uint16_t> typed(text.data(), 9);
  check::that(typed.key(0) == 0x0002000300040005);
  check::that(typed.key(3) == 0x00050001FFFF0000 && Text<std::uint16_t>::ends(typed.key(3)));
  check::that(typed.key(6) == 0 && !Text<std::uint16_t>::ends(typed.key(2)));
}

}  // namespace

int main() {
  test_keys();
  test_tied_blocks<std::uint8_t>("8 bits");
  test_tied_blocks<std::uint16_t>("16 bits");
  test_tied_blocks<std::uint32_t>("32 bits");
  for (const auto& [name, documents] : texts(254)) check_sorted<std::uint8_t>(documents, 254, name + ", 8 bits");
  for (const auto& [name, documents] : texts(65534)) check_sorted<std::uint16_t>(documents, 65534, name + ", 16 bits");
  for (const TokenId largest : {1000U, 300000U, 5000000U, 0xFFFFFFFEU}) {
    for (const auto& [name, documents] : texts(largest)) check_sorted<std::uint32_t>(documents, largest, name + ", 32");
  }
  return check::result();
}
