#ifndef BRIDGE_ROWS_H
#define BRIDGE_ROWS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <sys/types.h>

struct row {
    unsigned char *head; /* A copy, for the checksum is written into it. */
    size_t head_size;
    const unsigned char *data; /* That of an object, which the list of rows keeps. */
    size_t data_size;
};

struct rows {
    struct row *each;
    unsigned char *heads;
    Py_ssize_t count;
};

/* What a list of rows holds, each a head and its documents; -1 with an exception. */
int take_rows(PyObject *list, struct rows *rows);
void free_rows(struct rows *rows);

/* Memory that is used again; to be freed by whoever has it. */
struct scratch {
    unsigned char *memory;
    size_t size;
};

/* Write rows into a file from an offset on, and wait until they are on the disk; without the
   interpreter. Each head gets the checksum of what is behind it. 0, or the number of the error. */
int put_rows(int file, off_t start, const struct rows *rows, struct scratch *scratch);

/* `write_rows(file, start, rows)`: the same for Python; raises OSError. */
PyObject *write_rows(PyObject *module, PyObject *arguments);

#endif
