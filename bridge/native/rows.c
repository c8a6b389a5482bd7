/* The rows of a commit on their way to the disk, all in one go: see `bridge.spool.segments`. Whoever
   makes events meanwhile is asked for the interpreter only once. */

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rows.h"

enum {
    CHECKSUM = 4, /* Where it is in a head. */
    CHECKED = 8,  /* What it is about begins here. */
    STEP = 16,
    PIECES = 1000 /* Of at most IOV_MAX (1,024) in a call. */
};

/* CRC-32 as zlib has it (the polynomial of ISO 3309, reflected), sixteen octets at a time:
   TABLES[n][octet] is what an octet with n others behind it makes of a sum. */
static uint32_t TABLES[STEP][256];

void set_up_rows(void)
{
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

static uint32_t checksum(uint32_t before, const unsigned char *at, size_t size)
{
    uint32_t sum = ~before;
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
    return ~sum;
}

/* A head and its documents, after each other. */
static void sign(const struct iovec *row)
{
    unsigned char *head = row[0].iov_base;
    uint32_t sum = checksum(0, head + CHECKED, row[0].iov_len - CHECKED);
    sum = checksum(sum, row[1].iov_base, row[1].iov_len);
    for (int i = 0; i < 4; i++) {
        head[CHECKSUM + i] = (unsigned char)(sum >> (24 - 8 * i));
    }
}

/* 0, or the number of the error; a signal or a short write is no error. */
static int put_pieces(int file, off_t start, struct iovec *pieces, Py_ssize_t count)
{
    while (count) {
        int together = count < PIECES ? (int)count : PIECES;
        ssize_t written = pwritev(file, pieces, together, start);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return errno;
        }
        start += written;
        for (; count && (size_t)written >= pieces->iov_len; pieces++, count--) {
            written -= (ssize_t)pieces->iov_len;
        }
        if (count) {
            pieces->iov_base = (char *)pieces->iov_base + written;
            pieces->iov_len -= (size_t)written;
        }
    }
    return 0;
}

static int put_rows(int file, off_t start, struct iovec *pieces, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i += 2) {
        sign(pieces + i);
    }
    int error = put_pieces(file, start, pieces, count);
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

/* Heads are copied, for the checksum is written into them. */
static void lay_out(PyObject *rows, char *heads, struct iovec *pieces)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++, pieces += 2) {
        PyObject *head = PyTuple_GET_ITEM(PyList_GET_ITEM(rows, i), 0);
        PyObject *data = PyTuple_GET_ITEM(PyList_GET_ITEM(rows, i), 1);
        size_t size = (size_t)PyBytes_GET_SIZE(head);
        memcpy(heads, PyBytes_AS_STRING(head), size);
        pieces[0] = (struct iovec){heads, size};
        pieces[1] = (struct iovec){PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data)};
        heads += size;
    }
}

PyObject *write_rows(PyObject *module, PyObject *arguments)
{
    int file;
    long long start;
    PyObject *rows;
    if (!PyArg_ParseTuple(arguments, "iLO!", &file, &start, &PyList_Type, &rows)) {
        return NULL;
    }
    Py_ssize_t size = size_of_heads(rows), count = 2 * PyList_GET_SIZE(rows);
    if (size < 0) {
        return NULL;
    }
    struct iovec *pieces = PyMem_New(struct iovec, count);
    char *heads = PyMem_Malloc((size_t)size);
    PyObject *result = NULL;
    if (!pieces || !heads) {
        PyErr_NoMemory();
    } else {
        int error;
        lay_out(rows, heads, pieces);
        Py_BEGIN_ALLOW_THREADS
        error = put_rows(file, (off_t)start, pieces, count);
        Py_END_ALLOW_THREADS
        errno = error;
        result = error ? PyErr_SetFromErrno(PyExc_OSError) : Py_NewRef(Py_None);
    }
    PyMem_Free(pieces);
    PyMem_Free(heads);
    return result;
}
