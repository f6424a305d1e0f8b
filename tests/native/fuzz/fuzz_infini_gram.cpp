// Everything over altered files of infini-gram.
#include "fuzz/description.hpp"
#include "fuzz/models.hpp"
#include "fuzz/queries.hpp"
#include "fuzz/verification.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fuzz;
  return within_a_second([&] {
    Input input({data, size});
    const auto opened = open_hostile(infini_gram_bases(), input);
    if (!opened) return;
    const auto kind = input.next<std::uint8_t>();
    attempt([&] {
      switch (kind % 4) {
        case 0: return ask_some(input, [&] { describe(*opened, input); });
        case 1: return ask_some(input, [&] { query(*opened, input); });
        case 2: {
          Models models(*opened, input);
          return ask_some(input, [&] { models.ask(input); });
        }
        default: return verify(*opened, input);
      }
    });
  });
}
