// Constraints on the types that templates of several layers take.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/stored_token.hpp"

namespace infgram {

// A token of 8, 16 or 32 bits, in an order by token id.
template <class T>
concept StoredByTokenId =
    std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> || std::same_as<T, std::uint32_t>;

// A token as token files store it, in either order.
template <class T>
concept StoredToken = StoredByTokenId<StoredId<T>>;

// A position as the sorter stores it: 32 bits where the text allows it, to save memory.
template <class T>
concept StoredPosition = std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

// A destination for bytes, written front to back.
template <class T>
concept ByteSink = requires(T& sink, std::span<const std::byte> bytes) { sink.append(bytes); };

// Called for each position of a text, or each rank of a suffix array.
template <class F>
concept PositionVisitor = std::invocable<F&, std::uint64_t>;

}  // namespace infgram
