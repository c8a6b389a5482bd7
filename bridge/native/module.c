/* The compiled parts of the bridge: `bridge.native` says what they are for. */

#include "checksum.h"
#include "lines.h"
#include "pen.h"
#include "press.h"
#include "record.h"
#include "rows.h"

static PyMethodDef functions[] = {
    {"crc32", crc32_of, METH_VARARGS, NULL},
    {"joined", count_joined, METH_O, NULL},
    {"lines", cut_lines, METH_VARARGS, NULL},
    {"record", read_record, METH_O, NULL},
    {"set_up_records", set_up_records, METH_VARARGS, NULL},
    {"stencil", make_stencil, METH_VARARGS, NULL},
    {"write_rows", write_rows, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_core", .m_size = -1, .m_methods = functions,
};

static int add_constants(PyObject *module)
{
    const struct {
        const char *name;
        long value;
    } constants[] = {
        {"NO_SOURCE", NO_SOURCE}, {"FROM_VERSION", FROM_VERSION}, {"FROM_HEADER", FROM_HEADER},
        {"CONSTANT", CONSTANT}, {"TEXT", TEXT}, {"LONG", LONG}, {"DOUBLE", DOUBLE},
        {"BOOLEAN", BOOLEAN}, {"TIME", TIME}, {"BLANK", BLANK}, {"DIGITS", DIGITS}, {"CLOCK", CLOCK}, {"HOST", HOST}, {"LINE", LINE}, {"FRAME", FRAME},
        {"EPOCH", EPOCH}, {"LEVEL", LEVEL}, {"SEVERITY_MEMBERS", SEVERITY_MEMBERS},
        {"HEAD_MEMBERS", HEAD_MEMBERS}, {"MOMENT_MEMBERS", MOMENT_MEMBERS}, {"SENDER", SENDER},
        {"RECEIVED", RECEIVED}, {"NUMBER", NUMBER}, {"MAX_PAIRS", MAX_PAIRS},
        {"MAX_MEMBERS", MAX_MEMBERS}, {"MAX_TEXTS", MAX_TEXTS},
    };
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0) {
            return -1;
        }
    }
    return 0;
}

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (!module || add_constants(module) < 0 || PyModule_AddType(module, &PressType) < 0 ||
        PyModule_AddType(module, &PenType) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
    set_up_checksums();
    return module;
}
