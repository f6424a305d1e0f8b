#include "suffix/verify.hpp"

#include <algorithm>
#include <vector>

namespace infgram {
namespace {

constexpr std::uint64_t kPrefetchAhead = 16;

template <StoredToken Token>
class Verifier {
 public:
  Verifier(Text<Token> text, const PackedArray& suffix_array, const PackedArray& first_token_starts,
           const PackedArray& document_starts, const SortProgress& progress)
      : text_(text),
        suffix_array_(suffix_array),
        first_token_starts_(first_token_starts),
        document_starts_(document_starts),
        progress_(progress) {}

  std::optional<std::string> find_fault() {
    if (auto fault = check_documents()) return fault;
    if (auto fault = check_first_token_starts()) return fault;
    return check_order();
  }

 private:
  std::optional<std::string> check_documents() {
    const std::uint64_t n_documents = document_starts_.size() - 1;
    std::uint64_t document = 0;
    if (document_starts_[0] != 0) return "the first document does not start at position 0";
    for (Position position = 0; position < text_.size(); ++position) {
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

  std::optional<std::string> check_first_token_starts() {
    const std::uint64_t vocab_size = first_token_starts_.size() - 1;
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
    std::uint64_t start = 0;
    for (std::uint64_t token = 0; token <= vocab_size; ++token) {
      if (first_token_starts_[token] != start) {
        return "the suffixes of token " + std::to_string(token) + " start at rank " + std::to_string(start) +
               ", but the table says " + std::to_string(first_token_starts_[token]);
      }
      if (token < vocab_size) start += counts[token];
    }
    if (start != suffix_array_.size()) return "the suffix array does not have one element per token";
    return std::nullopt;
  }

  std::optional<std::string> check_order() {
    next_rank_.resize(first_token_starts_.size() - 1);
    for (std::uint64_t token = 0; token < next_rank_.size(); ++token) next_rank_[token] = first_token_starts_[token];
    for (std::uint64_t document = 1; document < document_starts_.size(); ++document) {
      if (auto fault = check_longer_suffix(document_starts_[document] - 1)) return fault;
    }
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
  const PackedArray& suffix_array_;
  const PackedArray& first_token_starts_;
  const PackedArray& document_starts_;
  const SortProgress& progress_;
  std::vector<std::uint64_t> next_rank_;
};

}  // namespace

std::optional<std::string> find_suffix_array_fault(const AnyText& text, const PackedArray& suffix_array,
                                                   const PackedArray& first_token_starts,
                                                   const PackedArray& document_starts, const SortProgress& progress) {
  return text.visit([&]<class Token>(Text<Token> typed) {
    return Verifier<Token>(typed, suffix_array, first_token_starts, document_starts, progress).find_fault();
  });
}

}  // namespace infgram
