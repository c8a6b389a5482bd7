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
    Py_ssize_t room = press->used + job->stencil->room + 2 * (job->stencil->copies + 1) * job->scan->frame.size +
                      SCRATCH + (job->head ? item(job->head, 1).size : 0);
    if (room <= press->room) {
        return 1;
    }
    room += room / 2;
    char *larger = PyMem_Realloc(press->buffer, (size_t)room);
    if (!larger) {
        PyErr_NoMemory();
        return 0;
    }
    press->buffer = larger;
    press->room = room;
    return 1;
}

/* Put the document of a frame behind the others; 0: there is an error, or the frame is not
   ordinary. */
static int press_one(Press *press, PyObject *frame, Job *job)
{
    if (!scan(PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame), &press->scan) ||
        !prepare(press, job) || !make_room(press, job)) {
        return 0;
    }
    char *begin = press->buffer + press->used, *out = begin;
    if (press->used) {
        *out++ = 0;
    }
    for (int i = 0; out && i < job->stencil->count; i++) {
        out = put_member(out, job, &job->stencil->members[i]);
    }
    if (!out || out - begin >= MAX_DOCUMENT) {
        return 0;
    }
    *out++ = '}';
    press->used = out - press->buffer;
    return 1;
}

/* Move the documents made so far, and then `mark`, to the end of the items; 0 for an error. */
static int end_run(Press *press, PyObject *items, PyObject *mark)
{
    int done = 1;
    if (press->used) {
        PyObject *run = PyBytes_FromStringAndSize(press->buffer, press->used);
        done = run && PyList_Append(items, run) == 0;
        Py_XDECREF(run);
        press->used = 0;
    }
    return done && (!mark || PyList_Append(items, mark) == 0);
}

/* One frame of a call: a document more, or None among the items and its index among the missed;
   0 for an error. */
static int press_next(Press *press, Job *job, PyObject *frame, Py_ssize_t place, PyObject *items,
                      PyObject *missed)
{
    if (!PyBytes_CheckExact(frame)) {
        PyErr_SetString(PyExc_TypeError, "frames are bytes");
        return 0;
    }
    if (press_one(press, frame, job)) {
        return 1;
    }
    PyObject *index = PyErr_Occurred() ? NULL : PyLong_FromSsize_t(place);
    int done = index && PyList_Append(missed, index) == 0 && end_run(press, items, Py_None);
    Py_XDECREF(index);
    return done;
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

/* `press(frames, sender, received, now, number)`: the documents of frames that follow each other,
   joined by NUL, with None between them for each frame that has none; and which these are. The
   texts are octets of JSON without quotation marks; `number` is that of the first frame. */
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
    PyObject *items = PyList_New(0), *missed = items ? PyList_New(0) : NULL;
    int done = missed != NULL;
    press->used = 0;
    for (Py_ssize_t i = 0; done && i < PyList_GET_SIZE(frames); i++, job.number++) {
        done = press_next(press, &job, PyList_GET_ITEM(frames, i), i, items, missed);
    }
    if (!done || !end_run(press, items, NULL)) {
        Py_XDECREF(items);
        Py_XDECREF(missed);
        return NULL;
    }
    return Py_BuildValue("NN", items, missed);
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
