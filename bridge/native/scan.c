#define _GNU_SOURCE
#include "scan.h"

#include <stdint.h>
#include <string.h>

#define MAX_HEAD 512

static const char MARKER[] = "CEF:";
static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Letters, digits and underscores: one bit for each of the 256 octets. */
static int is_key(char c)
{
    static const uint32_t set[8] = {0, 0x03ff0000, 0x87fffffe, 0x07fffffe};
    return set[(unsigned char)c >> 5] >> (c & 31) & 1;
}

static Span span(const char *begin, const char *end)
{
    return (Span){begin, end - begin, 0};
}

int is_blank(Span span)
{
    for (ptrdiff_t i = 0; i < span.size; i++) {
        if (span.at[i] != ' ' && span.at[i] != '\t') {
            return 0;
        }
    }
    return 1;
}

/* How many octets the UTF-8 sequence has that begins here; 0: it is none. */
static int sequence(const unsigned char *at, const unsigned char *end)
{
    int more = at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : 3;
    if (at[0] < 0xc2 || at[0] > 0xf4 || end - at <= more) {
        return 0;
    }
    for (int i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)) {
        return 0;
    }
    return more + 1;
}

/* Valid UTF-8 in which tabs are the only control characters. */
static int is_clean(const char *text, ptrdiff_t size, int *is_ascii)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    unsigned char odd = 0;
    for (ptrdiff_t i = 0; i < size; i++) {
        odd |= (unsigned char)((at[i] < 0x20) | (at[i] > 0x7e));
    }
    *is_ascii = 1;
    if (!odd) {
        return 1;
    }
    while (at < end) {
        if (*at >= 0x80) {
            int length = sequence(at, end);
            if (!length) {
                return 0;
            }
            *is_ascii = 0;
            at += length;
        } else if ((*at < 0x20 && *at != '\t') || *at == 0x7f) {
            return 0;
        } else {
            at++;
        }
    }
    return 1;
}

static int matches(const char *at, const char *end, const char *pattern)
{
    ptrdiff_t size = (ptrdiff_t)strlen(pattern);
    if (end - at < size) {
        return 0;
    }
    for (ptrdiff_t i = 0; i < size; i++) {
        if (pattern[i] == '0' ? !is_digit(at[i]) : at[i] != pattern[i]) {
            return 0;
        }
    }
    return 1;
}

/* The end of `Jan  2 03:04:05`, or NULL. */
static const char *bsd_time(const char *at, const char *end)
{
    if (end - at < 15 || at[3] != ' ' || !matches(at + 6, end, " 00:00:00")) {
        return NULL;
    }
    if (!(at[4] == ' ' || is_digit(at[4])) || !is_digit(at[5])) {
        return NULL;
    }
    for (int month = 0; month < 12; month++) {
        if (memcmp(at, MONTHS + 3 * month, 3) == 0) {
            return at + 15;
        }
    }
    return NULL;
}

/* The end of `2026-01-02T03:04:05.123Z`, or NULL; the offset may be `+02:00`, too. */
static const char *iso_time(const char *at, const char *end)
{
    if (!matches(at, end, "0000-00-00T00:00:00")) {
        return NULL;
    }
    at += 19;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        while (at < end && is_digit(*at)) {
            at++;
        }
        if (at == fraction || at - fraction > 9) {
            return NULL;
        }
    }
    if (at < end && *at == 'Z') {
        return at + 1;
    }
    return matches(at, end, "+00:00") || matches(at, end, "-00:00") ? at + 6 : NULL;
}

/* `<134>`, or nothing. */
static const char *priority(const char *at, const char *end)
{
    if (at == end || *at != '<') {
        return at;
    }
    const char *digits = ++at;
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at < end && *at == '>' && at > digits && at - digits <= 3 ? at + 1 : NULL;
}

/* The syslog header up to `CEF:`; 0: it is no ordinary one. */
static int scan_head(const char *begin, const char *marker, Scan *found)
{
    found->mark = found->time = found->rest = span(begin, begin);
    found->time_form = NO_TIME;
    if (begin == marker) {
        return 1;
    }
    const char *at = priority(begin, marker), *end;
    if (!at) {
        return 0;
    }
    if (matches(at, marker, "1 ")) {
        at += 2;
    }
    if ((end = iso_time(at, marker))) {
        found->time_form = ISO_TIME;
    } else if ((end = bsd_time(at, marker))) {
        found->time_form = BSD_TIME;
    } else {
        return 0;
    }
    found->mark = span(begin, at);
    found->time = span(at, end);
    found->rest = span(end, marker);
    return end < marker && *end == ' ';
}

/* Whether each backslash is the first half of an escape that is known. */
static int known_escapes(const char *at, const char *end, const char *known)
{
    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        if (at + 1 == end || !strchr(known, at[1])) {
            return 0;
        }
        at += 2;
    }
    return 1;
}

/* A header field up to its pipe; the end of it, or NULL. */
static const char *scan_field(const char *at, const char *end, Span *field)
{
    const char *begin = at;
    for (; at < end && *at != '|'; at++) {
        if (*at == '\\') {
            if (at + 1 == end || (at[1] != '\\' && at[1] != '|')) {
                return NULL;
            }
            field->escaped = 1;
            at++;
        }
    }
    field->at = begin;
    field->size = at - begin;
    return at < end ? at : NULL;
}

/* The first equals sign that no backslash escapes, or NULL. */
static const char *equals(const char *at, const char *end)
{
    const char *begin = at;
    while ((at = memchr(at, '=', (size_t)(end - at)))) {
        const char *before = at;
        while (before > begin && before[-1] == '\\') {
            before--;
        }
        if ((at - before) % 2 == 0) {
            return at;
        }
        at++;
    }
    return NULL;
}

static int scan_value(const char *begin, const char *end, Span *value)
{
    *value = span(begin, end);
    value->escaped = memchr(begin, '\\', (size_t)(end - begin)) != NULL;
    return !value->escaped || known_escapes(begin, end, "\\=nr");
}

/* The pairs of the extension; 0 when something in it is not ordinary. */
static int scan_pairs(const char *at, const char *end, Scan *found)
{
    found->count = 0;
    while (at < end && *at == ' ') {
        at++;
    }
    if (at == end) {
        return 1;
    }
    const char *sign = at;
    while (sign < end && is_key(*sign)) {
        sign++;
    }
    if (sign == at || sign == end || *sign != '=') {
        return 0;
    }
    found->keys[0] = span(at, sign);
    for (ptrdiff_t i = 0;; i++) {
        const char *begin = sign + 1, *key = sign = equals(begin, end);
        found->count = i + 1;
        if (!sign) {
            return scan_value(begin, end, &found->values[i]);
        }
        while (key > begin && is_key(key[-1])) {
            key--;
        }
        if (key == sign || key == begin || key[-1] != ' ' || i + 1 == MAX_PAIRS) {
            return 0;
        }
        if (!scan_value(begin, key - 1, &found->values[i])) {
            return 0;
        }
        found->keys[i + 1] = span(key, sign);
    }
}

int scan(const char *text, ptrdiff_t size, Scan *found)
{
    const char *end = text + size, *at;
    if (size < 12 || size > MAX_FRAME || !is_clean(text, size, &found->is_ascii)) {
        return 0;
    }
    found->frame = span(text, end);
    found->is_plain = !memchr(text, '"', (size_t)size) && !memchr(text, '\t', (size_t)size);
    while (end > text && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    at = memmem(text, (size_t)(end - text > MAX_HEAD ? MAX_HEAD : end - text), MARKER, 4);
    if (!at || end - at < 6 || (at[4] != '0' && at[4] != '1') || at[5] != '|') {
        return 0;
    }
    if (!scan_head(text, at, found)) {
        return 0;
    }
    found->record = span(at, end);
    found->version = span(at + 4, at + 5);
    at += 6;
    if (end - at >= 4 && memcmp(at, MARKER, 4) == 0) {
        return 0;
    }
    for (int i = 0; i < HEADER_FIELDS; i++) {
        found->header[i].escaped = 0;
        at = scan_field(at, end, &found->header[i]);
        if (!at) {
            return 0;
        }
        at++;
    }
    return scan_pairs(at, end, found);
}
