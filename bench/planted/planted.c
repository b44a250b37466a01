#include <string.h>

#include "planted.h"

int gate_bytes(const unsigned char *data, size_t size) {
    if (size < 4) return 0;
    if (data[0] != 'B') return 0;
    if (data[1] != 'U') return 0;
    if (data[2] != 'G') return 0;
    return data[3] == '!';
}

int gate_word(const unsigned char *data, size_t size) {
    unsigned word;
    if (size < sizeof word) return 0;
    memcpy(&word, data, sizeof word);
    return word == 0x21475542;
}

int gate_short(const unsigned char *data, size_t size) {
    if (size < 3) return 0;
    if (data[0] != 'B') return 0;
    if (data[1] != 'U') return 0;
    return data[2] == 'G';
}

/* One of 256 cases, each with two ways. */
#define ONE(n)                                            \
    case (n):                                             \
        if (state >> ((n) % 13) & 1) state ^= (n) * 7;    \
        else state += (n) | 1;                            \
        break;
#define FOUR(n) ONE(n) ONE((n) + 1) ONE((n) + 2) ONE((n) + 3)
#define SIXTEEN(n) FOUR(n) FOUR((n) + 4) FOUR((n) + 8) FOUR((n) + 12)
#define SIXTY_FOUR(n) SIXTEEN(n) SIXTEEN((n) + 16) SIXTEEN((n) + 32) SIXTEEN((n) + 48)

unsigned much(const unsigned char *data, size_t size) {
    unsigned state = 1;
    for (size_t i = 0; i < size; i++) {
        switch (data[i]) {
            SIXTY_FOUR(0)
            SIXTY_FOUR(64)
            SIXTY_FOUR(128)
            SIXTY_FOUR(192)
        }
    }
    return state;
}
