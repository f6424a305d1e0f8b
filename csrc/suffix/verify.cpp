#include "suffix/verify.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/bisection.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kPrefetchAhead = 16;

template <StoredToken Token>
class Verifier {
 public:
  Verifier(Text<Token> text, const SuffixArray& suffix_array, const FirstTokens& first_tokens,
           const DocumentStarts& document_starts, const PackedArray* separators, const SortProgress& progress)
      : text_(text),
        suffix_array_(suffix_array),
        first_tokens_(first_tokens),
        document_starts_(document_starts),
        separators_(separators),
        progress_(progress) {}

  std::optional<std::string> find_fault() {
    if (auto fault = check_documents()) return fault;
    if (auto fault = check_first_tokens()) return fault;
    return check_order();
  }

 private:
  std::optional<std::string> check_documents() {
    const std::uint64_t n_documents = document_starts_.n_documents();
    const Position first = document_starts_.first();
    std::uint64_t document = 0;
    for (Position position = 0; position < first; ++position) {
      if (text_[position] != Text<Token>::kSeparator) return "the text does not begin with a separator";
    }
    if (document_starts_[0] != first) return "the first document does not start at position " + std::to_string(first);
    for (Position position = first; position < text_.size(); ++position) {
      if (text_[position] != Text<Token>::kSeparator) continue;
      ++document;
      if (document > n_documents || document_starts_[document] != position + 1) {
        return "the separator at position " + std::to_string(position) + " does not end document " +
               std::to_string(document - 1);
      }
    }
    if (document != n_documents || document_starts_[n_documents] != text_.size()) {
      return "there are " + std::to_string(document) + " separators, expected " + std::to_string(n_documents);
    }
    return std::nullopt;
  }

  std::optional<std::string> check_first_tokens() {
    const std::uint64_t vocab_size = first_tokens_.vocab_size();
    std::vector<std::uint64_t> counts(vocab_size);
    for (Position position = 0; position < text_.size(); ++position) {
      const Token token = text_[position];
      if (token == Text<Token>::kSeparator) continue;
      if (token >= vocab_size) {
        return "the token at position " + std::to_string(position) + " is " + std::to_string(token) +
               ", outside the vocabulary of " + std::to_string(vocab_size);
      }
      ++counts[token];
    }
    std::vector<TokenId> tokens(vocab_size);  // in the order of suffixes
    std::iota(tokens.begin(), tokens.end(), TokenId{0});
    std::ranges::sort(tokens, {}, [](TokenId token) { return lane_of(static_cast<Token>(token)); });
    std::uint64_t start = 0;
    for (const TokenId token : tokens) {
      const SuffixRange found = first_tokens_[token];
      if (found.lo != start || found.hi != start + counts[token]) {
        return "the suffixes of token " + std::to_string(token) + " have the ranks from " + std::to_string(start) +
               " to " + std::to_string(start + counts[token]) + ", but the table says " + std::to_string(found.lo) +
               " to " + std::to_string(found.hi);
      }
      start = found.hi;
    }
    if (start != suffix_array_.size()) return "the suffix array does not have one element per token";
    return std::nullopt;
  }

  std::optional<std::string> check_order() {
    next_rank_.resize(first_tokens_.vocab_size());
    for (std::uint64_t token = 0; token < next_rank_.size(); ++token) next_rank_[token] = first_tokens_[token].lo;
    if constexpr (kIsBytewise<Token>) {
      if (auto fault = check_longer_suffixes()) return fault;
      return check_ends();
    } else {
      if (auto fault = check_ends()) return fault;
      return check_longer_suffixes();
    }
  }

  // Checks the suffixes of one token before the end of a document.
  std::optional<std::string> check_ends() {
    const std::uint64_t n_documents = document_starts_.n_documents();
    if (separators_ == nullptr) {
      for (std::uint64_t document = 0; document < n_documents; ++document) {
        if (auto fault = check_longer_suffix(document_starts_[document + 1] - 1)) return fault;
      }
      return std::nullopt;
    }
    std::vector<bool> seen(n_documents + 1);  // the separator before each document, then the last one
    for (std::uint64_t i = 0; i <= n_documents; ++i) {
      const Position position = i == 0 ? text_.size() - 1 : (*separators_)[i - 1];
      const std::uint64_t document = document_after(position);
      if (position >= text_.size() || text_[position] != Text<Token>::kSeparator || seen[document]) {
        return "position " + std::to_string(position) + " is not that of another separator; the suffixes are not in " +
               "order";
      }
      seen[document] = true;
      if (auto fault = check_longer_suffix(position)) return fault;
    }
    return std::nullopt;
  }

  // The number of documents that begin at or before a position.
  [[nodiscard]] std::uint64_t document_after(Position position) const {
    return bisect(0, document_starts_.n_documents(),
                  [&](std::uint64_t document) { return document_starts_[document] <= position; });
  }

  std::optional<std::string> check_longer_suffixes() {
    for (std::uint64_t rank = 0; rank < suffix_array_.size(); ++rank) {
      const Position position = suffix_array_[rank];
      if (position >= text_.size()) {
        return "rank " + std::to_string(rank) + " holds position " + std::to_string(position) + ", beyond the text";
      }
      if (rank + kPrefetchAhead < suffix_array_.size()) {
        const std::uint64_t ahead = suffix_array_[rank + kPrefetchAhead];
        text_.prefetch(std::min(ahead, text_.size() - 1));
      }
      if (auto fault = check_longer_suffix(position)) return fault;
      if (rank % (1 << 20) == 0) progress_(rank);
    }
    return std::nullopt;
  }

  // The suffix at position - 1 must be the next one of those that begin with its first token.
  std::optional<std::string> check_longer_suffix(Position position) {
    if (position == 0 || text_[position - 1] == Text<Token>::kSeparator) return std::nullopt;
    const std::uint64_t rank = next_rank_[text_[position - 1]]++;
    if (rank >= suffix_array_.size() || suffix_array_[rank] != position - 1) {
      return "rank " + std::to_string(rank) + " should hold position " + std::to_string(position - 1) +
             (rank < suffix_array_.size() ? ", but holds " + std::to_string(suffix_array_[rank]) : "") +
             "; the suffixes are not in order";
    }
    return std::nullopt;
  }

  Text<Token> text_;
  const SuffixArray& suffix_array_;
  const FirstTokens& first_tokens_;
  const DocumentStarts& document_starts_;
  const PackedArray* separators_;
  const SortProgress& progress_;
  std::vector<std::uint64_t> next_rank_;
};

}  // namespace

std::optional<std::string> find_suffix_array_fault(const AnyText& text, const SuffixArray& suffix_array,
                                                   const FirstTokens& first_tokens,
                                                   const DocumentStarts& document_starts, const PackedArray* separators,
                                                   const SortProgress& progress) {
  return text.visit([&]<class Token>(Text<Token> typed) {
    return Verifier<Token>(typed, suffix_array, first_tokens, document_starts, separators, progress).find_fault();
  });
}

}  // namespace infgram
