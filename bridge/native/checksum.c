/* The checksum of the rows: by carry-less multiplication where the processor has it, otherwise by
   tables, sixteen octets at a time. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "checksum.h"

enum { STEP = 16 };

/* TABLES[n][octet] is what an octet with n others behind it makes of a sum. */
static uint32_t TABLES[STEP][256];

static uint32_t by_tables(uint32_t sum, const unsigned char *at, size_t size)
{
    for (; size >= STEP; size -= STEP, at += STEP) {
        uint32_t next = 0;
        for (int i = 0; i < 4; i++) {
            next ^= TABLES[STEP - 1 - i][at[i] ^ (sum >> 8 * i & 0xFF)];
        }
        for (int i = 4; i < STEP; i++) {
            next ^= TABLES[STEP - 1 - i][at[i]];
        }
        sum = next;
    }
    for (; size; size--, at++) {
        sum = sum >> 8 ^ TABLES[0][(sum ^ *at) & 0xFF];
    }
    return sum;
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

/* So far in front it asks for what comes: it may still be with another processor. */
enum { AHEAD = 2048 };

#define CARRYLESS __attribute__((target("pclmul,sse4.1")))

/* A block of sixteen octets counts x^distance times as much, so far before the next one; `by` are
   the two powers for its halves. See Gopal and others, "Fast CRC Computation for Generic
   Polynomials Using PCLMULQDQ Instruction" (Intel, 2009), which has the constants, too. */
CARRYLESS static inline __m128i fold(__m128i block, __m128i by, __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(block, by, 0x00);
    __m128i high = _mm_clmulepi64_si128(block, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/* For at least 64 octets; what is left of less than sixteen is left out. */
CARRYLESS static uint32_t by_multiplication(uint32_t sum, const unsigned char *at, size_t size)
{
    const __m128i by_512 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
    const __m128i by_128 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const __m128i by_64 = _mm_set_epi64x(0, 0x163cd6124);
    const __m128i polynomial = _mm_set_epi64x(0x1f7011641, 0x1db710641);
    const __m128i words = _mm_setr_epi32(-1, 0, -1, 0);
    const __m128i *block = (const __m128i *)at;
    __m128i lane[4];
    for (int i = 0; i < 4; i++) {
        lane[i] = _mm_loadu_si128(block++);
    }
    lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi32_si128((int)sum));
    for (size -= 64; size >= 64; size -= 64, block += 4) {
        _mm_prefetch((const char *)block + AHEAD, _MM_HINT_T0);
        for (int i = 0; i < 4; i++) {
            lane[i] = fold(lane[i], by_512, _mm_loadu_si128(block + i));
        }
    }
    __m128i rest = lane[0];
    for (int i = 1; i < 4; i++) {
        rest = fold(rest, by_128, lane[i]);
    }
    for (; size >= STEP; size -= STEP, block++) {
        rest = fold(rest, by_128, _mm_loadu_si128(block));
    }
    /* From 128 bits to 64, to 32, the last by Barrett's reduction. */
    __m128i low = _mm_clmulepi64_si128(rest, by_128, 0x10);
    rest = _mm_xor_si128(_mm_srli_si128(rest, 8), low);
    low = _mm_clmulepi64_si128(_mm_and_si128(rest, words), by_64, 0x00);
    rest = _mm_xor_si128(_mm_srli_si128(rest, 4), low);
    low = _mm_clmulepi64_si128(_mm_and_si128(rest, words), polynomial, 0x10);
    low = _mm_clmulepi64_si128(_mm_and_si128(low, words), polynomial, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(rest, low), 1);
}

static int can_multiply;

static void look_at_processor(void)
{
    __builtin_cpu_init();
    can_multiply = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}
#else
enum { can_multiply = 0 };
#define by_multiplication by_tables
static void look_at_processor(void) {}
#endif

void set_up_checksums(void)
{
    look_at_processor();
    for (uint32_t octet = 0; octet < 256; octet++) {
        uint32_t sum = octet;
        for (int bit = 0; bit < 8; bit++) {
            sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320 : 0);
        }
        TABLES[0][octet] = sum;
    }
    for (int behind = 1; behind < STEP; behind++) {
        for (int octet = 0; octet < 256; octet++) {
            uint32_t sum = TABLES[behind - 1][octet];
            TABLES[behind][octet] = sum >> 8 ^ TABLES[0][sum & 0xFF];
        }
    }
}

uint32_t checksum(uint32_t before, const unsigned char *at, size_t size)
{
    uint32_t sum = ~before;
    if (can_multiply && size >= 64) {
        size_t whole = size - size % STEP;
        sum = by_multiplication(sum, at, whole);
        at += whole;
        size -= whole;
    }
    return ~by_tables(sum, at, size);
}

PyObject *crc32_of(PyObject *module, PyObject *arguments)
{
    Py_buffer data;
    unsigned int sum = 0;
    if (!PyArg_ParseTuple(arguments, "y*|I", &data, &sum)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    sum = checksum(sum, data.buf, (size_t)data.len);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&data);
    return PyLong_FromUnsignedLong(sum);
}
