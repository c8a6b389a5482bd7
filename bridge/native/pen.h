#ifndef BRIDGE_PEN_H
#define BRIDGE_PEN_H

#include <Python.h>

extern PyTypeObject PenType;

#endif
