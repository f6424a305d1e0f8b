// A large array in anonymous memory, on huge pages where available.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace infgram {

// Allocates zeroed memory directly from the operating system. Huge pages save most of the page walks of random access.
// Throws std::bad_alloc. Free with release_pages().
[[nodiscard]] void* allocate_pages(std::size_t size_bytes);
void release_pages(void* pages, std::size_t size_bytes) noexcept;

// An array of `size` values of a trivial type, zero at first. Movable. A page takes no memory until it is touched.
template <class Value>
class LargeArray {
  static_assert(std::is_trivial_v<Value>);

 public:
  LargeArray() = default;
  explicit LargeArray(std::size_t size)
      : data_(static_cast<Value*>(allocate_pages(size * sizeof(Value)))), size_(size) {}
  LargeArray(LargeArray&& other) noexcept { swap(other); }
  LargeArray& operator=(LargeArray&& other) noexcept {
    swap(other);
    return *this;
  }
  LargeArray(const LargeArray&) = delete;
  LargeArray& operator=(const LargeArray&) = delete;
  ~LargeArray() { release_pages(data_, size_ * sizeof(Value)); }

  [[nodiscard]] Value* data() { return data_; }
  [[nodiscard]] const Value* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Value* begin() { return data_; }
  [[nodiscard]] Value* end() { return data_ + size_; }
  [[nodiscard]] Value& operator[](std::size_t i) { return data_[i]; }
  [[nodiscard]] const Value& operator[](std::size_t i) const { return data_[i]; }

 private:
  void swap(LargeArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Value* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace infgram
