#include "press.h"

#include "write.h"

#define SEPARATOR '\x1f'
#define MAX_SHAPE 4096

/* The key under which a syslog header is known: all of it but the time. */
static PyObject *head_key(Press *press, const Scan *scan)
{
    char *end = put_span(press->scratch, scan->mark);
    *end++ = SEPARATOR;
    end = put_span(end, scan->rest);
    return PyBytes_FromStringAndSize(press->scratch, end - press->scratch);
}

static int is_label(Span key)
{
    static const char label[] = "label";
    if (key.size < 7) {
        return 0;
    }
    const char *at = key.at + key.size - 5;
    for (int i = 0; i < 5; i++) {
        if ((at[i] | 0x20) != label[i]) {
            return 0;
        }
    }
    return at[-1] >= '0' && at[-1] <= '9';
}

/* The key under which a shape is known: what decides about the names of the fields. NULL without
   an error: it is too long for that. */
static PyObject *shape_key(Press *press, const Scan *scan)
{
    char *end = press->scratch;
    char first = scan->header[SEVERITY].size ? scan->header[SEVERITY].at[0] : 0;
    *end++ = (char)('0' + scan->time_form);
    *end++ = first >= '0' && first <= '9' ? '0' : 'a';
    end = put_span(end, scan->header[VENDOR]);
    for (ptrdiff_t i = 0; i < scan->count; i++) {
        *end++ = SEPARATOR;
        end = put_span(end, scan->keys[i]);
        if (is_label(scan->keys[i])) {
            *end++ = '=';
            end = put_span(end, scan->values[i]);
        }
    }
    if (end - press->scratch > MAX_SHAPE) {
        return NULL;
    }
    return PyBytes_FromStringAndSize(press->scratch, end - press->scratch);
}

static PyObject *severity_key(const Scan *scan)
{
    return PyBytes_FromStringAndSize(scan->header[SEVERITY].at, scan->header[SEVERITY].size);
}

/* What a table has under a key (borrowed), or NULL; takes the key. */
static PyObject *look_up(PyObject *table, PyObject *key)
{
    PyObject *found = key ? PyDict_GetItemWithError(table, key) : NULL;
    Py_XDECREF(key);
    return found;
}

/* Everything that must be known of a frame; 0: something is not. */
static int prepare(Press *press, Job *job)
{
    const Scan *scan = job->scan;
    job->head = job->moment = NULL;
    job->header_time = 0;
    if (scan->time_form != NO_TIME && !(job->head = look_up(press->heads, head_key(press, scan)))) {
        return 0;
    }
    if (scan->time_form == BSD_TIME) {
        PyObject *key = PyBytes_FromStringAndSize(scan->time.at, scan->time.size);
        job->moment = look_up(press->moments, key);
        if (!job->moment) {
            return 0;
        }
    } else if (scan->time_form == ISO_TIME && !(job->header_time = read_time(scan->time))) {
        return 0;
    }
    if (scan->header[SEVERITY].escaped ||
        !(job->severity = look_up(press->severities, severity_key(scan)))) {
        return 0;
    }
    PyObject *shape = look_up(press->shapes, shape_key(press, scan));
    job->stencil = shape && shape != Py_None ? PyCapsule_GetPointer(shape, STENCIL) : NULL;
    return job->stencil && job->stencil->pairs <= scan->count;
}

/* Enough room for the longest document that can come of this frame. */
static int make_room(Press *press, const Job *job)
{
    Py_ssize_t room = job->stencil->room + 2 * (job->stencil->copies + 1) * job->scan->frame.size +
                      SCRATCH + (job->head ? item(job->head, 1).size : 0);
    if (room <= press->room) {
        return 1;
    }
    char *larger = PyMem_Realloc(press->buffer, (size_t)room);
    if (!larger) {
        PyErr_NoMemory();
        return 0;
    }
    press->buffer = larger;
    press->room = room;
    return 1;
}

/* A document, None for a frame that is not ordinary, or NULL for an error. */
static PyObject *press_one(Press *press, PyObject *frame, Job *job)
{
    if (!scan(PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame), &press->scan) ||
        !prepare(press, job)) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    if (!make_room(press, job)) {
        return NULL;
    }
    char *out = press->buffer;
    for (int i = 0; i < job->stencil->count; i++) {
        out = put_member(out, job, &job->stencil->members[i]);
        if (!out) {
            return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
        }
    }
    if (out - press->buffer >= MAX_DOCUMENT) {
        return Py_NewRef(Py_None);
    }
    *out++ = '}';
    return PyBytes_FromStringAndSize(press->buffer, out - press->buffer);
}

/* `look(frame)`: what must be known to press it, as keys of the tables: (shape, header, time of
   the header, severity); None for a frame that is not ordinary. */
static PyObject *press_look(Press *press, PyObject *frame)
{
    const Scan *found = &press->scan;
    if (!PyBytes_Check(frame) ||
        !scan(PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame), &press->scan)) {
        Py_RETURN_NONE;
    }
    PyObject *shape = shape_key(press, found), *head = shape ? head_key(press, found) : NULL;
    if (!shape) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    return Py_BuildValue("NNy#y#", shape, head, found->time.at, (Py_ssize_t)found->time.size,
                         found->header[SEVERITY].at, (Py_ssize_t)found->header[SEVERITY].size);
}

/* `press(frames, sender, received, now, number)`: the document of each frame, or None; and which
   have none. The texts are octets of JSON without quotation marks; `number` is that of the first
   frame. */
static PyObject *press_press(Press *press, PyObject *arguments)
{
    PyObject *frames;
    Job job = {.press = press, .scan = &press->scan};
    Py_ssize_t sender, received, now;
    if (!PyArg_ParseTuple(arguments, "O!y#y#y#K", &PyList_Type, &frames, &job.sender.at, &sender,
                          &job.received.at, &received, &job.now.at, &now, &job.number)) {
        return NULL;
    }
    job.sender.size = sender;
    job.received.size = received;
    job.now.size = now;
    if (sender > MAX_HOST || received > MAX_HOST || now > MAX_HOST) {
        PyErr_SetString(PyExc_ValueError, "too long");
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(frames);
    PyObject *documents = PyList_New(count), *missed = documents ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0; documents && i < count; i++, job.number++) {
        PyObject *frame = i < PyList_GET_SIZE(frames) ? PyList_GET_ITEM(frames, i) : NULL;
        PyObject *document = frame && PyBytes_CheckExact(frame) ? press_one(press, frame, &job) : NULL;
        if (!document) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_TypeError, "frames are bytes");
            }
            Py_CLEAR(documents);
            break;
        }
        PyList_SET_ITEM(documents, i, document);
        PyObject *index = document == Py_None ? PyLong_FromSsize_t(i) : NULL;
        if (document == Py_None && (!index || PyList_Append(missed, index) < 0)) {
            Py_CLEAR(documents);
        }
        Py_XDECREF(index);
    }
    if (!documents) {
        Py_XDECREF(missed);
        return NULL;
    }
    return Py_BuildValue("NN", documents, missed);
}

static int press_init(Press *press, PyObject *arguments, PyObject *keywords)
{
    PyObject *nothing, *tidy, *tables[4];
    if (!PyArg_ParseTuple(arguments, "O!O!O!O!O!O", &PyDict_Type, &tables[0], &PyDict_Type,
                          &tables[1], &PyDict_Type, &tables[2], &PyDict_Type, &tables[3],
                          &PyTuple_Type, &nothing, &tidy)) {
        return -1;
    }
    Py_XSETREF(press->heads, Py_NewRef(tables[0]));
    Py_XSETREF(press->moments, Py_NewRef(tables[1]));
    Py_XSETREF(press->severities, Py_NewRef(tables[2]));
    Py_XSETREF(press->shapes, Py_NewRef(tables[3]));
    Py_XSETREF(press->nothing, Py_NewRef(nothing));
    Py_XSETREF(press->tidy, Py_NewRef(tidy));
    return 0;
}

static void press_dealloc(Press *press)
{
    Py_XDECREF(press->heads);
    Py_XDECREF(press->moments);
    Py_XDECREF(press->severities);
    Py_XDECREF(press->shapes);
    Py_XDECREF(press->nothing);
    Py_XDECREF(press->tidy);
    PyMem_Free(press->buffer);
    Py_TYPE(press)->tp_free((PyObject *)press);
}

static PyMethodDef press_methods[] = {
    {"look", (PyCFunction)press_look, METH_O, NULL},
    {"press", (PyCFunction)press_press, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject PressType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bridge.native.Press",
    .tp_basicsize = sizeof(Press),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)press_init,
    .tp_dealloc = (destructor)press_dealloc,
    .tp_methods = press_methods,
};
