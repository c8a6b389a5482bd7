/* The rows of a commit on their way to the disk, all in one go: see `bridge.spool.segments`. Whoever
   makes events meanwhile is asked for the interpreter only once.

   What is long goes past the page cache (O_DIRECT), if the file system has that: an output that
   keeps up never reads it, and pages of a new file can cost far more than copying into them. The ends,
   which share a block with other rows, go through the cache. */

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"
#include "rows.h"

enum {
    CHECKSUM = 4,       /* Where it is in a head. */
    CHECKED = 8,        /* What it is about begins here. */
    BLOCK = 4096,       /* What O_DIRECT asks of places, in the file and in memory, and of sizes. */
    PORTION = 4 << 20,  /* What is written at a time; the groups of the committer are smaller. */
    LONG = 128 * 1024   /* What is shorter goes through the cache in one write. */
};

/* What is collected to be written: `used` octets for the place `at`. They begin in the middle of a
   block of `memory` where the place does. */
struct portion {
    int file;
    off_t at;
    unsigned char *memory;
    size_t used;
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

static int turn_direct(int file, int is_on)
{
    int flags = fcntl(file, F_GETFL);
    return flags >= 0 && fcntl(file, F_SETFL, is_on ? flags | O_DIRECT : flags & ~O_DIRECT) >= 0;
}

/* How many octets were written past the cache; none where the file system cannot do that. An error
   is found again by whoever writes the rest. */
static size_t put_direct(int file, off_t start, const unsigned char *at, size_t size)
{
    size_t done = 0;
    if (size && turn_direct(file, 1)) {
        ssize_t written = BLOCK;
        while (done < size && written >= BLOCK) {
            written = pwrite(file, at + done, size - done, start + (off_t)done);
            done += written > 0 ? (size_t)written / BLOCK * BLOCK : 0;
        }
        (void)turn_direct(file, 0);
    }
    return done;
}

/* Write what was collected: of much, the whole blocks past the cache. */
static int flush(struct portion *portion)
{
    const unsigned char *from = portion->memory + portion->at % BLOCK;
    size_t size = portion->used, done = 0;
    int error = 0;
    if (size >= LONG) {
        done = (size_t)(BLOCK - portion->at % BLOCK) % BLOCK;
        error = put(portion->file, portion->at, from, done);
        if (!error) {
            size_t blocks = (size - done) / BLOCK * BLOCK;
            done += put_direct(portion->file, portion->at + (off_t)done, from + done, blocks);
        }
    }
    if (!error) {
        error = put(portion->file, portion->at + (off_t)done, from + done, size - done);
    }
    portion->at += (off_t)size;
    portion->used = 0;
    return error;
}

static int collect(struct portion *portion, const unsigned char *from, size_t size)
{
    int error = 0;
    while (size && !error) {
        size_t begin = (size_t)(portion->at % BLOCK) + portion->used;
        size_t part = size < PORTION - begin ? size : PORTION - begin;
        memcpy(portion->memory + begin, from, part);
        portion->used += part;
        from += part;
        size -= part;
        if (begin + part == PORTION) {
            error = flush(portion);
        }
    }
    return error;
}

static size_t room_for(const struct rows *rows)
{
    size_t size = BLOCK;
    for (Py_ssize_t i = 0; i < rows->count && size < PORTION; i++) {
        size += rows->each[i].head_size + rows->each[i].data_size;
    }
    return size < PORTION ? size : PORTION;
}

static int put_all(struct portion *portion, const struct rows *rows)
{
    int error = 0;
    for (Py_ssize_t i = 0; i < rows->count && !error; i++) {
        const struct row *row = rows->each + i;
        sign(row);
        error = collect(portion, row->head, row->head_size);
        if (!error) {
            error = collect(portion, row->data, row->data_size);
        }
    }
    if (!error) {
        error = flush(portion);
    }
    while (!error && fdatasync(portion->file) < 0) {
        error = errno == EINTR ? 0 : errno;
    }
    return error;
}

static int make_room(struct scratch *scratch, size_t size)
{
    if (scratch->size < size) {
        free(scratch->memory);
        scratch->memory = aligned_alloc(BLOCK, (size + BLOCK - 1) / BLOCK * BLOCK);
        scratch->size = scratch->memory ? size : 0;
    }
    return scratch->memory ? 0 : ENOMEM;
}

int put_rows(int file, off_t start, const struct rows *rows, struct scratch *scratch)
{
    int error = make_room(scratch, room_for(rows));
    struct portion portion = {file, start, scratch->memory, 0};
    return error ? error : put_all(&portion, rows);
}

/* How many octets all heads have; -1 with an exception when these are no rows. */
static Py_ssize_t size_of_heads(PyObject *list)
{
    Py_ssize_t size = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *row = PyList_GET_ITEM(list, i);
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

static void lay_out(PyObject *list, const struct rows *rows)
{
    unsigned char *heads = rows->heads;
    for (Py_ssize_t i = 0; i < rows->count; i++) {
        PyObject *head = PyTuple_GET_ITEM(PyList_GET_ITEM(list, i), 0);
        PyObject *data = PyTuple_GET_ITEM(PyList_GET_ITEM(list, i), 1);
        size_t size = (size_t)PyBytes_GET_SIZE(head);
        memcpy(heads, PyBytes_AS_STRING(head), size);
        rows->each[i] = (struct row){heads, size, (const unsigned char *)PyBytes_AS_STRING(data),
                                     (size_t)PyBytes_GET_SIZE(data)};
        heads += size;
    }
}

int take_rows(PyObject *list, struct rows *rows)
{
    Py_ssize_t size = size_of_heads(list);
    if (size < 0) {
        return -1;
    }
    rows->count = PyList_GET_SIZE(list);
    rows->each = PyMem_New(struct row, rows->count);
    rows->heads = PyMem_Malloc((size_t)size);
    if (!rows->each || !rows->heads) {
        free_rows(rows);
        PyErr_NoMemory();
        return -1;
    }
    lay_out(list, rows);
    return 0;
}

void free_rows(struct rows *rows)
{
    PyMem_Free(rows->each);
    PyMem_Free(rows->heads);
}

PyObject *write_rows(PyObject *module, PyObject *arguments)
{
    int file, error;
    long long start;
    PyObject *list;
    struct rows rows;
    struct scratch scratch = {NULL, 0};
    if (!PyArg_ParseTuple(arguments, "iLO!", &file, &start, &PyList_Type, &list) ||
        take_rows(list, &rows) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    error = put_rows(file, (off_t)start, &rows, &scratch);
    free(scratch.memory);
    Py_END_ALLOW_THREADS
    free_rows(&rows);
    errno = error;
    return error ? PyErr_SetFromErrno(PyExc_OSError) : Py_NewRef(Py_None);
}
