#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "write.h"

#include <string.h>

static int is_digit(char c) { return c >= '0' && c <= '9'; }

char *put(char *out, const char *at, ptrdiff_t size)
{
    memcpy(out, at, (size_t)size);
    return out + size;
}

char *put_span(char *out, Span text) { return put(out, text.at, text.size); }

static char *put_character(char *out, char c)
{
    switch (c) {
    case '"':
    case '\\':
        *out++ = '\\';
        break;
    case '\t':
        *out++ = '\\';
        c = 't';
        break;
    case '\n':
        *out++ = '\\';
        c = 'n';
        break;
    case '\r':
        *out++ = '\\';
        c = 'r';
        break;
    }
    *out++ = c;
    return out;
}

/* Text without backslashes. */
static char *put_simple(char *out, const char *at, const char *end, int is_plain)
{
    if (is_plain) {
        return put(out, at, end - at);
    }
    while (at < end) {
        out = put_character(out, *at++);
    }
    return out;
}

char *put_raw(char *out, Span text, int is_plain)
{
    const char *at = text.at, *end = at + text.size, *next;
    while ((next = memchr(at, '\\', (size_t)(end - at)))) {
        out = put_simple(out, at, next, is_plain);
        *out++ = '\\';
        *out++ = '\\';
        at = next + 1;
    }
    return put_simple(out, at, end, is_plain);
}

static char meaning(char escaped) { return escaped == 'n' ? '\n' : escaped == 'r' ? '\r' : escaped; }

char *put_text(char *out, Span text, int is_plain)
{
    const char *at = text.at, *end = at + text.size, *next;
    while (text.escaped && (next = memchr(at, '\\', (size_t)(end - at)))) {
        out = put_simple(out, at, next, is_plain);
        out = put_character(out, meaning(next[1]));
        at = next + 2;
    }
    return put_simple(out, at, end, is_plain);
}

char *unescape(char *out, Span text)
{
    const char *at = text.at, *end = at + text.size, *next;
    while (text.escaped && (next = memchr(at, '\\', (size_t)(end - at)))) {
        out = put(out, at, next - at);
        *out++ = meaning(next[1]);
        at = next + 2;
    }
    return put(out, at, end - at);
}

static int is_foreign_digit(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    Py_UCS4 c = at[0] < 0xe0 ? at[0] & 0x1f : at[0] < 0xf0 ? at[0] & 0x0f : at[0] & 0x07;
    for (at++; (*at & 0xc0) == 0x80; at++) {
        c = (c << 6) | (*at & 0x3f);
    }
    return Py_UNICODE_ISDIGIT(c);
}

/* A little more than an index takes: also when there are digits of other scripts. */
int may_be_date(Span text)
{
    if (text.size && (unsigned char)text.at[0] >= 0x80) {
        return is_foreign_digit(text.at);
    }
    for (ptrdiff_t i = 0; i < text.size && i < 4; i++) {
        if (!is_digit(text.at[i])) {
            return i > 0 && (unsigned char)text.at[i] >= 0x80;
        }
    }
    return text.size > 4 && (text.at[4] == '-' || text.at[4] == '/');
}

char *put_long(char *out, Span text)
{
    if (text.size > 18) {
        return NULL;
    }
    for (ptrdiff_t i = 0; i < text.size; i++) {
        if (!is_digit(text.at[i])) {
            return NULL;
        }
    }
    while (text.size > 1 && *text.at == '0') {
        text.at++;
        text.size--;
    }
    return put(out, text.at, text.size);
}

/* Up to 15 digits come out of a float as they went in, so none is made. */
char *put_double(char *out, Span text)
{
    const char *at = text.at, *end = at + text.size;
    if (at < end && *at == '-') {
        *out++ = *at++;
    }
    const char *whole = at;
    while (at < end && is_digit(*at)) {
        at++;
    }
    const char *point = at, *fraction = at < end && *at == '.' ? ++at : at;
    while (at < end && is_digit(*at)) {
        at++;
    }
    if (point == whole || at < end || (fraction > point && fraction == end) || end - whole > 16) {
        return NULL;
    }
    while (whole + 1 < point && *whole == '0') {
        whole++;
    }
    while (end > fraction && end[-1] == '0') {
        end--;
    }
    if (end - fraction + (point - whole) > 15) {
        return NULL;
    }
    if (*whole == '0' && end - fraction > 3 && memcmp(fraction, "000", 3) == 0) {
        return NULL; /* might be written with an exponent */
    }
    out = put(out, whole, point - whole);
    *out++ = '.';
    return end > fraction ? put(out, fraction, end - fraction) : put(out, "0", 1);
}

/* The word in any case. */
static int is(Span text, const char *word)
{
    if (text.size != (ptrdiff_t)strlen(word)) {
        return 0;
    }
    for (ptrdiff_t i = 0; i < text.size; i++) {
        char c = text.at[i] >= 'A' && text.at[i] <= 'Z' ? (char)(text.at[i] + 32) : text.at[i];
        if (c != word[i]) {
            return 0;
        }
    }
    return 1;
}

char *put_boolean(char *out, Span text)
{
    if (is(text, "true") || is(text, "yes") || is(text, "1") || is(text, "1.0")) {
        return put(out, "\"true\"", 6);
    }
    if (is(text, "false") || is(text, "no") || is(text, "0") || is(text, "0.0")) {
        return put(out, "\"false\"", 7);
    }
    return NULL;
}

static int64_t number(const char *at, int digits)
{
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(at[i])) {
            return -1;
        }
        value = 10 * value + (at[i] - '0');
    }
    return value;
}

/* Days from 1970-01-01; years are counted from March, so that a leap day comes last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

static int is_date(int64_t year, int64_t month, int64_t day)
{
    static const char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) {
        return 0;
    }
    int leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= lengths[month - 1] + leap;
}

/* `.123Z` or `.123+02:00`: the fraction in microseconds, further digits cut off, and the offset in
   minutes; 0 when there is something else. */
static int read_tail(const char *at, const char *end, int64_t *fraction, int64_t *offset)
{
    *fraction = *offset = 0;
    if (at < end && *at == '.') {
        int64_t unit = 100000;
        const char *digits = ++at;
        for (; at < end && is_digit(*at); at++, unit /= 10) {
            *fraction += unit * (*at - '0');
        }
        if (at == digits) {
            return 0;
        }
    }
    if (end - at == 1 && *at == 'Z') {
        return 1;
    }
    if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':') {
        return 0;
    }
    int64_t hours = number(at + 1, 2), minutes = number(at + 4, 2);
    *offset = (*at == '-' ? -1 : 1) * (60 * hours + minutes);
    return hours >= 0 && hours <= 14 && minutes >= 0 && minutes <= 59;
}

int64_t read_time(Span text)
{
    const char *at = text.at;
    if (text.size == 13) {
        int64_t milliseconds = number(at, 13);
        return milliseconds >= 1000 ? milliseconds * 1000 : 0;
    }
    if (text.size < 20 || text.size > 35 || at[4] != '-' || at[7] != '-' || at[10] != 'T' ||
        at[13] != ':' || at[16] != ':') {
        return 0;
    }
    int64_t year = number(at, 4), month = number(at + 5, 2), day = number(at + 8, 2);
    int64_t hour = number(at + 11, 2), minute = number(at + 14, 2), second = number(at + 17, 2);
    int64_t fraction, offset;
    if (year < 1971 || year > 9998 || !is_date(year, month, day) || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 59 ||
        !read_tail(at + 19, at + text.size, &fraction, &offset)) {
        return 0;
    }
    int64_t minutes = (days_of(year, month, day) * 24 + hour) * 60 + minute - offset;
    return (minutes * 60 + second) * 1000000 + fraction;
}

static char *put_number(char *out, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10) {
        out[i] = (char)('0' + value % 10);
    }
    return out + digits;
}

char *put_iso(char *out, int64_t microseconds)
{
    int64_t seconds = microseconds / 1000000, days = seconds / 86400 + 719468;
    int64_t era = days / 146097, in_era = days % 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * in_year + 2) / 153;
    int64_t month = m < 10 ? m + 3 : m - 9;
    out = put_number(out, y + era * 400 + (month <= 2), 4);
    *out++ = '-';
    out = put_number(out, month, 2);
    *out++ = '-';
    out = put_number(out, in_year - (153 * m + 2) / 5 + 1, 2);
    *out++ = 'T';
    out = put_number(out, seconds / 3600 % 24, 2);
    *out++ = ':';
    out = put_number(out, seconds / 60 % 60, 2);
    *out++ = ':';
    out = put_number(out, seconds % 60, 2);
    *out++ = '.';
    out = put_number(out, microseconds % 1000000, 6);
    *out++ = 'Z';
    return out;
}

/* As a float in seconds is written; whole milliseconds have few enough digits to write them. */
char *put_epoch(char *out, int64_t microseconds)
{
    if (microseconds % 1000) {
        double seconds = (double)microseconds / 1e6;
        char *text = PyOS_double_to_string(seconds, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
        if (!text) {
            PyErr_Clear();
            return NULL;
        }
        out = put(out, text, (ptrdiff_t)strlen(text));
        PyMem_Free(text);
        return out;
    }
    int digits = 1;
    for (int64_t rest = microseconds / 10000000; rest; rest /= 10) {
        digits++;
    }
    out = put_number(out, microseconds / 1000000, digits);
    *out++ = '.';
    out = put_number(out, microseconds / 1000 % 1000, 3);
    while (out[-1] == '0' && out[-2] != '.') {
        out--;
    }
    return out;
}
