#ifndef BRIDGE_ROWS_H
#define BRIDGE_ROWS_H

#include <Python.h>

/* `write_rows(file, start, rows)`: write rows, each a head and its documents, into a file from an
   offset on, and wait until they are on the disk. Each head gets the checksum of what is behind it.
   Raises OSError. */
PyObject *write_rows(PyObject *module, PyObject *arguments);

#endif
