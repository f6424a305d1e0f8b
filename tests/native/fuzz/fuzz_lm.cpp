// Every language model over an altered index.
#include "fuzz/models.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fuzz;
  return within_a_second([&] {
    Input input({data, size});
    const auto opened = open_hostile(infgram_bases(), input);
    if (!opened) return;
    attempt([&] {
      Models models(*opened, input);
      ask_some(input, [&] { models.ask(input); });
    });
  });
}
