/* Ordinary records out of a stream: see `bridge.syslog.framing`; and what is joined by NUL. */

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>

#include "lines.h"

/* The end of an ordinary record on a line of its own, or NULL: it begins like a record, holds one
   and no NUL, and is not too long. */
static const char *line_end(const char *at, const char *end, Py_ssize_t limit)
{
    if (at == end || (*at != '<' && *at != 'C')) {
        return NULL;
    }
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    if (!feed || feed - at > limit || memchr(at, 0, (size_t)(feed - at)) ||
        !memmem(at, (size_t)(feed - at), "CEF:", 4)) {
        return NULL;
    }
    return feed;
}

PyObject *cut_lines(PyObject *module, PyObject *arguments)
{
    Py_buffer data;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(arguments, "y*n", &data, &limit)) {
        return NULL;
    }
    const char *begin = data.buf, *end = begin + data.len, *at = begin, *feed;
    PyObject *frames = PyList_New(0);
    while (frames && (feed = line_end(at, end, limit))) {
        Py_ssize_t size = feed > at && feed[-1] == '\r' ? feed - at - 1 : feed - at;
        PyObject *frame = PyBytes_FromStringAndSize(at, size);
        if (!frame || PyList_Append(frames, frame) < 0) {
            Py_CLEAR(frames);
        }
        Py_XDECREF(frame);
        at = feed + 1;
    }
    PyBuffer_Release(&data);
    return frames ? Py_BuildValue("Nn", frames, (Py_ssize_t)(at - begin)) : NULL;
}

PyObject *count_joined(PyObject *module, PyObject *data)
{
    if (!PyBytes_Check(data)) {
        PyErr_SetString(PyExc_TypeError, "joined() takes bytes");
        return NULL;
    }
    const char *at = PyBytes_AS_STRING(data), *end = at + PyBytes_GET_SIZE(data), *nul;
    Py_ssize_t count = 1;
    int has_empty = 0;
    while (at < end && (nul = memchr(at, 0, (size_t)(end - at)))) {
        count++;
        has_empty |= nul == at;
        at = nul + 1;
    }
    return PyLong_FromSsize_t(has_empty || at == end ? -count : count);
}
