/* The human line: see `bridge.inputs.cef.summary`. */

#include "press.h"

#include <string.h>

#include "write.h"

#define MAX_LINE 512
#define MAX_ROOM 6000
#define MAX_HEAD_ROOM 1024

static int is_nothing(const char *at, Py_ssize_t size, PyObject *nothing)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(nothing); i++) {
        PyObject *word = PyTuple_GET_ITEM(nothing, i);
        if (PyBytes_GET_SIZE(word) == size && memcmp(PyBytes_AS_STRING(word), at, (size_t)size) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Appends a value, cut to so many characters; `out` when it is none, NULL when it is too long. */
static char *put_value(char *out, const Scan *scan, int source, Py_ssize_t limit, PyObject *nothing)
{
    if (source == NO_SOURCE) {
        return out;
    }
    Span value = source_of(scan, source);
    if (value.size > MAX_ROOM && (value.escaped || !scan->is_ascii)) {
        return NULL;
    }
    value.size = value.size > MAX_ROOM ? MAX_ROOM : value.size;
    char *end = unescape(out, value);
    if (end - out > limit) {
        return scan->is_ascii ? out + limit : NULL;
    }
    return is_nothing(out, end - out, nothing) ? out : end;
}

/* `, from 192.0.2.7:443`; `out` when nobody is named. */
static char *put_role(char *out, const Scan *scan, const Role *role, PyObject *nothing)
{
    char *at = put(put(out, ", ", 2), role->word, (ptrdiff_t)strlen(role->word));
    *at++ = ' ';
    char *value = at + 1, *end = value; /* with room for a bracket */
    for (int i = 0; i < 2 && end == value; i++) {
        end = put_value(value, scan, role->keys[i], MAX_LINE, nothing);
        if (!end) {
            return NULL;
        }
    }
    if (end == value) {
        return out;
    }
    Span port = {value, 0, 0};
    if (role->port != NO_SOURCE) {
        port = source_of(scan, role->port);
    }
    if (port.size > MAX_LINE) {
        return NULL;
    }
    if (port.size && memchr(value, ':', (size_t)(end - value))) {
        *at = '[';
        *end++ = ']';
    } else {
        memmove(at, value, (size_t)(end - value));
        end--;
    }
    if (port.size) {
        *end++ = ':';
        end = unescape(end, port);
    }
    return end;
}

/* Runs of white space become one blank, those at the ends go. */
static char *collapse(char *begin, char *end)
{
    char *out = begin;
    for (char *at = begin; at < end; at++) {
        if (*at > ' ') {
            *out++ = *at;
        } else if (out > begin && out[-1] != ' ') {
            *out++ = ' ';
        }
    }
    return out > begin && out[-1] == ' ' ? out - 1 : out;
}

static char *tidy_ascii(char *begin, char *end)
{
    unsigned char odd = 0;
    for (ptrdiff_t i = 0; i < end - begin - 1; i++) {
        odd |= (unsigned char)((begin[i] < ' ') | ((begin[i] == ' ') & (begin[i + 1] == ' ')));
    }
    if (odd || end[-1] < ' ') {
        end = collapse(begin, end);
    }
    return end - begin <= MAX_LINE ? end : put(begin + MAX_LINE - 1, "\xe2\x80\xa6", 3);
}

static char *tidy_foreign(char *begin, char *end, PyObject *tidy)
{
    PyObject *result = PyObject_CallFunction(tidy, "s#", begin, (Py_ssize_t)(end - begin));
    Py_ssize_t size;
    const char *text = result ? PyUnicode_AsUTF8AndSize(result, &size) : NULL;
    end = text && size <= 4 * MAX_LINE ? put(begin, text, size) : NULL;
    Py_XDECREF(result);
    PyErr_Clear();
    return end;
}

char *put_line(char *out, const Scan *scan, const Stencil *stencil, PyObject *nothing,
               PyObject *tidy)
{
    Span vendor = scan->header[VENDOR], name = scan->header[NAME];
    Span severity = scan->header[SEVERITY];
    if (!vendor.size || !name.size || vendor.size + name.size > MAX_HEAD_ROOM) {
        return NULL;
    }
    char *at = put(unescape(out, vendor), ": ", 2);
    at = put(unescape(at, name), " (severity ", 11);
    at = unescape(at, severity);
    *at++ = ')';
    for (int i = 0; at && i < stencil->role_count; i++) {
        at = put_role(at, scan, &stencil->roles[i], nothing);
    }
    for (int i = 0; at && i < stencil->text_count; i++) {
        char *begin = put(at, ": ", 2);
        char *end = put_value(begin, scan, stencil->texts[i], 2 * MAX_LINE, nothing);
        if (end != begin) {
            at = end;
            break;
        }
    }
    if (!at) {
        return NULL;
    }
    return scan->is_ascii ? tidy_ascii(out, at) : tidy_foreign(out, at, tidy);
}
