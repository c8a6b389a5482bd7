#ifndef BRIDGE_RECORD_H
#define BRIDGE_RECORD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* `record(frame)`: the record of an ordinary frame (text or octets), or None. */
PyObject *read_record(PyObject *module, PyObject *frame);

/* `set_up_records(...)`: what `record` needs of Python; see `bridge.cef.compiled`. */
PyObject *set_up_records(PyObject *module, PyObject *arguments);

#endif
