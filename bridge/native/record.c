/* Ordinary records for Python: see `bridge.cef.parser`. */

#include "record.h"

#include <string.h>

#include "scan.h"
#include "write.h"

#define SLOTS 1024
#define MAX_KEY 64
#define TIMES_HEADER (HEADER_FIELDS + 1)

/* What the dictionary says of the values of a key. */
typedef enum { TEXT_KEY, LONG_KEY, DOUBLE_KEY, TIME_KEY, ODD_KEY } KeyKind;

/* Keys that were met before: a device repeats few of them for ever. */
typedef struct {
    PyObject *key;
    KeyKind kind;
} Slot;

static struct {
    PyTypeObject *record, *envelope;
    PyObject *front; /* text of a syslog header → fields of the envelope, or None */
    PyObject *kind_of; /* key → KeyKind */
    PyObject *bare; /* the fields of an envelope without a header */
    Py_ssize_t message; /* the place of the message in them */
    PyObject *names; /* of the header's fields */
    PyObject *no_flags, *empty;
    Slot slots[SLOTS];
    char scratch[MAX_FRAME];
} state;

static PyObject *text_of(const Scan *scan, Span span)
{
    if (span.escaped) {
        span.size = unescape(state.scratch, span) - state.scratch;
        span.at = state.scratch;
    }
    if (!scan->is_ascii) {
        return PyUnicode_DecodeUTF8(span.at, span.size, NULL);
    }
    PyObject *text = PyUnicode_New(span.size, 127);
    if (text && span.size) {
        memcpy(PyUnicode_DATA(text), span.at, (size_t)span.size);
    }
    return text;
}

/* A tuple of a named type; takes the items. */
static PyObject *named(PyTypeObject *type, PyObject **items, Py_ssize_t count)
{
    PyObject *tuple = type->tp_alloc(type, count);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (tuple && items[i]) {
            PyTuple_SET_ITEM(tuple, i, items[i]);
        } else {
            Py_XDECREF(items[i]);
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

/* The slot of a key, filled; NULL for an error or a key that is too long. */
static Slot *slot_of(Span key)
{
    size_t hash = 5381;
    if (key.size > MAX_KEY) {
        return NULL;
    }
    for (ptrdiff_t i = 0; i < key.size; i++) {
        hash = hash * 33 + (unsigned char)key.at[i];
    }
    Slot *slot = &state.slots[hash % SLOTS];
    if (slot->key && PyUnicode_GET_LENGTH(slot->key) == key.size &&
        memcmp(PyUnicode_DATA(slot->key), key.at, (size_t)key.size) == 0) {
        return slot;
    }
    PyObject *text = PyUnicode_FromStringAndSize(key.at, key.size);
    PyObject *kind = text ? PyObject_CallOneArg(state.kind_of, text) : NULL;
    if (!kind) {
        Py_XDECREF(text);
        return NULL;
    }
    slot->kind = (KeyKind)PyLong_AsLong(kind);
    Py_DECREF(kind);
    Py_XSETREF(slot->key, text);
    return slot;
}

/* Whether a value raises no flag: it is what the dictionary says, or blank. */
static int is_usual(KeyKind kind, Span value)
{
    char number[64];
    if (kind == ODD_KEY) {
        return 0;
    }
    if (kind == TEXT_KEY || is_blank(value)) {
        return 1;
    }
    if (kind == TIME_KEY) {
        return read_time(value) != 0;
    }
    return value.size < 40 &&
           (put_long(number, value) || (kind == DOUBLE_KEY && put_double(number, value)));
}

/* The pairs as a dict; NULL when they are not ordinary. */
static PyObject *pairs(const Scan *scan)
{
    PyObject *found = PyDict_New();
    for (ptrdiff_t i = 0; found && i < scan->count; i++) {
        Slot *slot = slot_of(scan->keys[i]);
        int usual = slot && is_usual(slot->kind, scan->values[i]);
        PyObject *value = usual ? text_of(scan, scan->values[i]) : NULL;
        if (!value || PyDict_SetItem(found, slot->key, value) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(value);
    }
    if (found && PyDict_GET_SIZE(found) < scan->count) {
        Py_CLEAR(found); /* a key came twice */
    }
    return found;
}

static PyObject *header(const Scan *scan)
{
    PyObject *found = PyDict_New();
    for (Py_ssize_t i = 0; found && i < TIMES_HEADER; i++) {
        PyObject *value = text_of(scan, i ? scan->header[i - 1] : scan->version);
        if (!value || PyDict_SetItem(found, PyTuple_GET_ITEM(state.names, i), value) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(value);
    }
    return found;
}

/* The envelope; NULL when its header is not ordinary. */
static PyObject *envelope(const Scan *scan)
{
    Span head = {scan->frame.at, scan->record.at - scan->frame.at, 0};
    PyObject *text = NULL, *fields = NULL;
    if (!head.size) {
        fields = Py_NewRef(state.bare);
    } else if ((text = text_of(scan, head))) {
        fields = PyObject_CallOneArg(state.front, text);
    }
    Py_XDECREF(text);
    PyObject *items[32];
    Py_ssize_t count = fields && PyList_Check(fields) ? PyList_GET_SIZE(fields) : 0;
    if (count <= state.message || count > 32) {
        Py_XDECREF(fields);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        items[i] = i == state.message ? text_of(scan, scan->record) : Py_NewRef(PyList_GET_ITEM(fields, i));
    }
    Py_DECREF(fields);
    return named(state.envelope, items, count);
}

static int is_known_severity(Span text)
{
    static const char *words[] = {"Low", "Medium", "High", "Very-High", "Unknown"};
    if (text.size == 1 || (text.size == 2 && memcmp(text.at, "10", 2) == 0)) {
        return *text.at >= '0' && *text.at <= '9';
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (text.size == (ptrdiff_t)strlen(words[i]) &&
            memcmp(text.at, words[i], strlen(words[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The octets of a frame, be it text or bytes; NULL when it has none. */
static const char *octets(PyObject *frame, Py_ssize_t *size)
{
    if (PyBytes_Check(frame)) {
        *size = PyBytes_GET_SIZE(frame);
        return PyBytes_AS_STRING(frame);
    }
    if (PyUnicode_Check(frame) && PyUnicode_IS_COMPACT_ASCII(frame)) {
        *size = PyUnicode_GET_LENGTH(frame);
        return PyUnicode_DATA(frame);
    }
    return PyUnicode_Check(frame) ? PyUnicode_AsUTF8AndSize(frame, size) : NULL;
}

PyObject *read_record(PyObject *module, PyObject *frame)
{
    Py_ssize_t size;
    Scan found;
    const char *text = octets(frame, &size);
    if (!state.record || !text || !scan(text, size, &found) ||
        !is_known_severity(found.header[SEVERITY])) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *around = envelope(&found);
    PyObject *extension = around ? pairs(&found) : NULL;
    if (!extension) {
        Py_XDECREF(around);
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *items[] = {
        Py_NewRef(frame), around, Py_NewRef(state.empty), header(&found), extension,
        PyList_New(0), Py_NewRef(state.empty), Py_NewRef(state.no_flags),
    };
    return named(state.record, items, 8);
}

PyObject *set_up_records(PyObject *module, PyObject *arguments)
{
    PyObject *record, *around, *front, *kind_of, *bare, *names;
    if (!PyArg_ParseTuple(arguments, "O!O!OOO!nO!", &PyType_Type, &record, &PyType_Type, &around,
                          &front, &kind_of, &PyList_Type, &bare, &state.message, &PyTuple_Type,
                          &names)) {
        return NULL;
    }
    if (PyTuple_GET_SIZE(names) != TIMES_HEADER) {
        PyErr_SetString(PyExc_ValueError, "there are seven header fields");
        return NULL;
    }
    Py_XSETREF(state.front, Py_NewRef(front));
    Py_XSETREF(state.kind_of, Py_NewRef(kind_of));
    Py_XSETREF(state.bare, Py_NewRef(bare));
    Py_XSETREF(state.names, Py_NewRef(names));
    Py_XSETREF(state.no_flags, PyFrozenSet_New(NULL));
    Py_XSETREF(state.empty, PyUnicode_FromStringAndSize(NULL, 0));
    Py_XSETREF(state.envelope, (PyTypeObject *)Py_NewRef(around));
    Py_XSETREF(state.record, (PyTypeObject *)Py_NewRef(record));
    Py_RETURN_NONE;
}
