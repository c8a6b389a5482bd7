/* The rows of a commit on their way to the disk, all in one go: see `bridge.spool.segments`. Whoever
   makes events meanwhile is asked for the interpreter only once. */

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"
#include "rows.h"

enum {
    CHECKSUM = 4, /* Where it is in a head. */
    CHECKED = 8   /* What it is about begins here. */
};

struct row {
    unsigned char *head; /* A copy, for the checksum is written into it. */
    size_t head_size;
    const unsigned char *data;
    size_t data_size;
};

static void sign(const struct row *row)
{
    uint32_t sum = checksum(0, row->head + CHECKED, row->head_size - CHECKED);
    sum = checksum(sum, row->data, row->data_size);
    for (int i = 0; i < 4; i++) {
        row->head[CHECKSUM + i] = (unsigned char)(sum >> (24 - 8 * i));
    }
}

/* 0, or the number of the error; a signal or a short write is no error. */
static int put(int file, off_t start, const unsigned char *at, size_t size)
{
    while (size) {
        ssize_t written = pwrite(file, at, size, start);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            start += written;
            at += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

/* Lets the disk work while the next row is made ready; `fdatasync` is what counts. */
static void begin_to_sync(int file, off_t start, size_t size)
{
#ifdef SYNC_FILE_RANGE_WRITE
    (void)sync_file_range(file, start, (off_t)size, SYNC_FILE_RANGE_WRITE);
#endif
}

static int put_rows(int file, off_t start, const struct row *rows, Py_ssize_t count)
{
    int error = 0;
    for (Py_ssize_t i = 0; i < count && !error; i++) {
        const struct row *row = rows + i;
        size_t size = row->head_size + row->data_size;
        sign(row);
        error = put(file, start, row->head, row->head_size);
        if (!error) {
            error = put(file, start + (off_t)row->head_size, row->data, row->data_size);
        }
        if (!error && i + 1 < count) {
            begin_to_sync(file, start, size);
        }
        start += (off_t)size;
    }
    while (!error && fdatasync(file) < 0) {
        error = errno == EINTR ? 0 : errno;
    }
    return error;
}

/* How many octets all heads have; -1 with an exception when these are no rows. */
static Py_ssize_t size_of_heads(PyObject *rows)
{
    Py_ssize_t size = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++) {
        PyObject *row = PyList_GET_ITEM(rows, i);
        if (!PyTuple_Check(row) || PyTuple_GET_SIZE(row) != 2 ||
            !PyBytes_Check(PyTuple_GET_ITEM(row, 0)) ||
            !PyBytes_Check(PyTuple_GET_ITEM(row, 1)) ||
            PyBytes_GET_SIZE(PyTuple_GET_ITEM(row, 0)) < CHECKED) {
            PyErr_SetString(PyExc_TypeError, "a row is a head and its documents");
            return -1;
        }
        size += PyBytes_GET_SIZE(PyTuple_GET_ITEM(row, 0));
    }
    return size;
}

static void lay_out(PyObject *list, unsigned char *heads, struct row *rows)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *head = PyTuple_GET_ITEM(PyList_GET_ITEM(list, i), 0);
        PyObject *data = PyTuple_GET_ITEM(PyList_GET_ITEM(list, i), 1);
        size_t size = (size_t)PyBytes_GET_SIZE(head);
        memcpy(heads, PyBytes_AS_STRING(head), size);
        rows[i] = (struct row){heads, size, (const unsigned char *)PyBytes_AS_STRING(data),
                               (size_t)PyBytes_GET_SIZE(data)};
        heads += size;
    }
}

PyObject *write_rows(PyObject *module, PyObject *arguments)
{
    int file;
    long long start;
    PyObject *list;
    if (!PyArg_ParseTuple(arguments, "iLO!", &file, &start, &PyList_Type, &list)) {
        return NULL;
    }
    Py_ssize_t size = size_of_heads(list), count = PyList_GET_SIZE(list);
    if (size < 0) {
        return NULL;
    }
    struct row *rows = PyMem_New(struct row, count);
    unsigned char *heads = PyMem_Malloc((size_t)size);
    PyObject *result = NULL;
    if (!rows || !heads) {
        PyErr_NoMemory();
    } else {
        int error;
        lay_out(list, heads, rows);
        Py_BEGIN_ALLOW_THREADS
        error = put_rows(file, (off_t)start, rows, count);
        Py_END_ALLOW_THREADS
        errno = error;
        result = error ? PyErr_SetFromErrno(PyExc_OSError) : Py_NewRef(Py_None);
    }
    PyMem_Free(rows);
    PyMem_Free(heads);
    return result;
}
