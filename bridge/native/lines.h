#ifndef BRIDGE_LINES_H
#define BRIDGE_LINES_H

#include <Python.h>

/* `lines(data, limit)`: the ordinary records at the beginning of the octets, one a line of at most
   `limit` octets, and how many octets they take with their line ends. */
PyObject *cut_lines(PyObject *module, PyObject *arguments);

/* `joined(data)`: how many documents are joined by NUL; negative when one of them is empty. */
PyObject *count_joined(PyObject *module, PyObject *data);

#endif
