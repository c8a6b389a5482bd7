#ifndef BRIDGE_CHECKSUM_H
#define BRIDGE_CHECKSUM_H

#include <Python.h>

#include <stddef.h>
#include <stdint.h>

/* To be called once, before the others. */
void set_up_checksums(void);

/* CRC-32 as zlib has it (the polynomial of ISO 3309, reflected), going on from one `before`. */
uint32_t checksum(uint32_t before, const unsigned char *at, size_t size);

/* `crc32(data, before=0)`, as `zlib.crc32`; without the lock of the interpreter. */
PyObject *crc32_of(PyObject *module, PyObject *arguments);

#endif
