// Mutations that know what media files look like: boxes (MP4), chunks (RIFF, PNG) and elements (Matroska) with their sizes.
// The engine's own mutations, which know the values that the code compares with, are used as often.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

namespace {

const uint64_t LIMITS[] = {0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF,
                           1ull << 32, (1ull << 63) - 1, 1ull << 63, ~0ull};

struct Mutation {
    std::mt19937 random;
    std::vector<uint8_t> data;

    size_t below(size_t end) { return end ? random() % end : 0; }

    bool is_name(size_t at) const {
        return std::all_of(data.begin() + at, data.begin() + at + 4, [](uint8_t c) {
            return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ' || c == 0xA9;
        });
    }

    // Where sizes are likely to be: around names, and behind identifiers of Matroska.
    std::vector<size_t> places() const {
        static const uint8_t IDS[][4] = {{0x1A, 0x45, 0xDF, 0xA3}, {0x18, 0x53, 0x80, 0x67}, {0x15, 0x49, 0xA9, 0x66},
                                         {0x16, 0x54, 0xAE, 0x6B}, {0x1F, 0x43, 0xB6, 0x75}, {0x1C, 0x53, 0xBB, 0x6B},
                                         {0x19, 0x41, 0xA4, 0x69}, {0x12, 0x54, 0xC3, 0x67}};
        std::vector<size_t> found;
        for (size_t at = 4; at + 12 <= data.size() && found.size() < 1000; at++) {
            bool id = std::any_of(std::begin(IDS), std::end(IDS), [&](const uint8_t *id) { return !memcmp(id, &data[at], 4); });
            if (id || is_name(at))
                found.push_back(at);
        }
        return found;
    }

    void write(size_t at, uint64_t value, size_t size, bool little) {
        for (size_t i = 0; i < size && at + i < data.size(); i++)
            data[at + i] = value >> (8 * (little ? i : size - 1 - i));
    }

    void set_number() {
        static const size_t SIZES[] = {1, 2, 4, 4, 4, 8};
        size_t at = below(data.size());
        std::vector<size_t> found = places();
        if (!found.empty() && below(4)) {
            size_t name = found[below(found.size())];
            at = below(2) ? name - 4 : name + 4 + (below(2) ? below(24) : 0);
        }
        uint64_t value = LIMITS[below(sizeof(LIMITS) / sizeof(*LIMITS))];
        if (!below(3))
            value += below(2) ? below(256) : -1;
        write(at, value, SIZES[below(6)], !below(3));
    }

    void move() {
        size_t begin = below(data.size()), end = begin + 1 + below(std::min<size_t>(data.size() - begin, 4096));
        end = std::min(end, data.size());
        std::vector<uint8_t> part(data.begin() + begin, data.begin() + end);
        if (below(3)) // else it is doubled
            data.erase(data.begin() + begin, data.begin() + end);
        if (below(3)) // else it is cut
            data.insert(data.begin() + below(data.size() + 1), part.begin(), part.end());
    }
};

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    Mutation mutation{std::mt19937(seed), {}};
    if (size < 16 || mutation.below(2))
        return LLVMFuzzerMutate(data, size, max_size);
    mutation.data.assign(data, data + size);
    for (size_t left = 1 + mutation.below(4); left && mutation.data.size() >= 16; left--) {
        if (mutation.below(3))
            mutation.set_number();
        else
            mutation.move();
    }
    size = std::min(mutation.data.size(), max_size);
    memcpy(data, mutation.data.data(), size);
    return size;
}
