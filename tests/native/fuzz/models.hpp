// Every language model.
#pragma once

#include <functional>
#include <memory>

#include "fuzz/hostile_index.hpp"
#include "lm/backoff.hpp"
#include "lm/jelinek_mercer_fit.hpp"
#include "lm/kneser_ney.hpp"
#include "lm/language_model.hpp"
#include "lm/smoothing.hpp"
#include "lm/step_rules.hpp"
#include "lm/suffix_features.hpp"

namespace fuzz {

inline std::unique_ptr<Predictor> predictor_of(ContextTree& tree, unsigned number, std::uint64_t order) {
  const auto smoothing = [&](std::unique_ptr<const StepRule> rule) {
    return std::make_unique<InterpolatedSmoothing>(tree, std::move(rule));
  };
  switch (number % 6) {
    case 0: return smoothing(std::make_unique<Unsmoothed>());
    case 1: return smoothing(std::make_unique<WittenBell>());
    case 2:
      return smoothing(
          std::make_unique<JelinekMercer>(std::vector<double>(JelinekMercer::kLengths * JelinekMercer::kCounts, 0.5)));
    case 3:
      if (!tree.statistics()) tree.set_statistics(survey_ngrams(tree.index(), 1, [](std::uint64_t) {}));
      return smoothing(std::make_unique<KneserNey>(*tree.statistics(), order));
    case 4: return std::make_unique<StupidBackoff>();
    default: return std::make_unique<Ppm>(tree);
  }
}

// Walks over the tokens and checks what every model relies on: the codes of a level ascend, and are in the vocabulary.
inline void check_levels(ContextTree& tree, std::span<const TokenId> tokens) {
  SuffixChain chain(tree);
  for (const TokenId token : tokens) {
    chain.append(token);
    for (const Level& level : chain.levels(false)) {
      const std::vector<TokenCode>& codes = level.next_tokens->codes;
      const bool do_ascend = std::ranges::adjacent_find(codes, std::greater_equal()) == codes.end();
      if (codes.empty() || !do_ascend || codes.back() > tree.index().vocab_size()) std::abort();
    }
  }
}

// Models over one index, with the options that the next bytes of the input select.
class Models {
 public:
  Models(const Opened& opened, Input& input)
      : opened_(opened),
        kind_(input.next<std::uint8_t>()),
        tree_(opened.index, kind_ % 8 == 0 ? 3000 : 1 << 20, kFew[kind_ / 8U % kFew.size()]) {
    options_.min_count = 1 + kind_ % 2U;
    if (kind_ % 3 == 0) options_.longest = 2;
    if (kind_ % 5 == 0) options_.end_token = 0;
  }

  // Asks what the next bytes of the input select.
  void ask(Input& input) {
    const auto question = input.next<std::uint8_t>();
    const std::vector<TokenId> tokens = sequence_of(opened_, input);
    const auto no_poll = [] {};
    if (question % 8 == 0) return check_levels(tree_, tokens);
    if (question % 8 == 1) {
      const std::array<std::uint64_t, 3> lengths = {1, 2, 5};
      return static_cast<void>(suffix_features(tree_, tokens, lengths, no_poll));
    }
    if (question % 8 == 2) {
      JelinekMercerFit fit(tree_, options_);
      fit.add(tokens, no_poll);
      return static_cast<void>(fit.weights(2, no_poll));
    }
    LanguageModel model(tree_, predictor_of(tree_, question / 8U, options_.longest == 2 ? 3 : 0), options_);
    if (question % 8 == 3) {
      SuffixChain chain(tree_);
      for (const TokenId token : tokens) chain.append(token);
      const std::vector<double> probs = model.distribution(chain);
      if (probs.size() != opened_.index.vocab_size() + (options_.end_token ? 0 : 1)) std::abort();
      return;
    }
    const EvaluationRequest request{&model, question % 8 != 4, {}};
    static_cast<void>(evaluate({&request, 1}, tokens, true, no_poll));
  }

 private:
  static constexpr std::array<std::uint64_t, 4> kFew = {0, 2, 8, 32};

  const Opened& opened_;
  std::uint8_t kind_;
  ContextTree tree_;
  ModelOptions options_;
};

}  // namespace fuzz
