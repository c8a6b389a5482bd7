/* A thread that writes rows and never asks for the interpreter, so that whoever makes events need not
   wait for it: see `bridge.spool.pen`. */

#include "pen.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rows.h"

struct job {
    struct job *next;
    PyObject *list; /* Keeps the documents. */
    struct rows rows;
    int file;
    off_t start;
    int error;
};

struct queue {
    struct job *first, **end;
};

typedef struct {
    PyObject_HEAD
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t is_needed;
    struct queue waiting, done; /* With the two below under the lock. */
    int has_failed;
    int is_over;
    int event; /* Readable when something is done; -1: there is no thread. */
} Pen;

static void add(struct queue *queue, struct job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

static struct job *take_all(struct queue *queue)
{
    struct job *first = queue->first;
    queue->first = NULL;
    queue->end = &queue->first;
    return first;
}

/* The next job; NULL when there will be none. The lock is held. */
static struct job *next_job(Pen *pen)
{
    while (!pen->waiting.first && !pen->is_over) {
        pthread_cond_wait(&pen->is_needed, &pen->lock);
    }
    struct job *job = pen->waiting.first;
    if (job && !(pen->waiting.first = job->next)) {
        pen->waiting.end = &pen->waiting.first;
    }
    return job;
}

static void *work(void *argument)
{
    Pen *pen = argument;
    struct scratch scratch = {NULL, 0};
    struct job *job;
    pthread_mutex_lock(&pen->lock);
    while ((job = next_job(pen))) {
        int has_failed = pen->has_failed;
        pthread_mutex_unlock(&pen->lock);
        job->error =
            has_failed ? ECANCELED : put_rows(job->file, job->start, &job->rows, &scratch);
        pthread_mutex_lock(&pen->lock);
        pen->has_failed |= job->error != 0;
        add(&pen->done, job);
        (void)eventfd_write(pen->event, 1);
    }
    pthread_mutex_unlock(&pen->lock);
    free(scratch.memory);
    return NULL;
}

/* Signals are for the thread of the interpreter. */
static int start(Pen *pen)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&pen->thread, NULL, work, pen);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static PyObject *pen_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    Pen *pen = (Pen *)type->tp_alloc(type, 0);
    if (!pen) {
        return NULL;
    }
    pthread_mutex_init(&pen->lock, NULL);
    pthread_cond_init(&pen->is_needed, NULL);
    take_all(&pen->waiting);
    take_all(&pen->done);
    pen->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pen->event < 0 || (errno = start(pen))) {
        PyErr_SetFromErrno(PyExc_OSError);
        if (pen->event >= 0) {
            close(pen->event);
        }
        pen->event = -1;
        Py_DECREF(pen);
        return NULL;
    }
    return (PyObject *)pen;
}

static void forget(struct job *job)
{
    Py_DECREF(job->list);
    free_rows(&job->rows);
    PyMem_Free(job);
}

static PyObject *pen_close(Pen *pen, PyObject *nothing)
{
    if (pen->event >= 0) {
        Py_BEGIN_ALLOW_THREADS
        pthread_mutex_lock(&pen->lock);
        pen->is_over = 1;
        pthread_cond_signal(&pen->is_needed);
        pthread_mutex_unlock(&pen->lock);
        pthread_join(pen->thread, NULL);
        Py_END_ALLOW_THREADS
        close(pen->event);
        pen->event = -1;
        for (struct job *job = take_all(&pen->done), *next; job; job = next) {
            next = job->next;
            forget(job);
        }
    }
    Py_RETURN_NONE;
}

static void pen_dealloc(Pen *pen)
{
    Py_XDECREF(pen_close(pen, NULL));
    pthread_cond_destroy(&pen->is_needed);
    pthread_mutex_destroy(&pen->lock);
    Py_TYPE(pen)->tp_free((PyObject *)pen);
}

static PyObject *pen_write(Pen *pen, PyObject *arguments)
{
    int file;
    long long start;
    PyObject *list;
    if (!PyArg_ParseTuple(arguments, "iLO!", &file, &start, &PyList_Type, &list)) {
        return NULL;
    }
    if (pen->event < 0) {
        PyErr_SetString(PyExc_ValueError, "the pen is closed");
        return NULL;
    }
    struct job *job = PyMem_New(struct job, 1);
    if (!job) {
        return PyErr_NoMemory();
    }
    *job = (struct job){.list = list, .file = file, .start = (off_t)start};
    if (take_rows(list, &job->rows) < 0) {
        PyMem_Free(job);
        return NULL;
    }
    Py_INCREF(list);
    pthread_mutex_lock(&pen->lock);
    add(&pen->waiting, job);
    pthread_cond_signal(&pen->is_needed);
    pthread_mutex_unlock(&pen->lock);
    Py_RETURN_NONE;
}

static PyObject *pen_done(Pen *pen, PyObject *nothing)
{
    eventfd_t ignored;
    PyObject *errors = PyList_New(0);
    if (!errors) {
        return NULL;
    }
    pthread_mutex_lock(&pen->lock);
    (void)eventfd_read(pen->event, &ignored);
    struct job *job = take_all(&pen->done);
    pthread_mutex_unlock(&pen->lock);
    for (struct job *next; job; job = next) {
        next = job->next;
        PyObject *error = PyLong_FromLong(job->error);
        if (!error || (errors && PyList_Append(errors, error) < 0)) {
            Py_CLEAR(errors);
        }
        Py_XDECREF(error);
        forget(job);
    }
    return errors;
}

static PyObject *pen_go_on(Pen *pen, PyObject *nothing)
{
    pthread_mutex_lock(&pen->lock);
    pen->has_failed = 0;
    pthread_mutex_unlock(&pen->lock);
    Py_RETURN_NONE;
}

static PyObject *pen_fileno(Pen *pen, PyObject *nothing)
{
    return PyLong_FromLong(pen->event);
}

static PyMethodDef methods[] = {
    {"close", (PyCFunction)pen_close, METH_NOARGS,
     "Write what waits, and end the thread; safe twice."},
    {"done", (PyCFunction)pen_done, METH_NOARGS,
     "For each list that was written since the last call, in order, 0 or the number of the error."},
    {"fileno", (PyCFunction)pen_fileno, METH_NOARGS, "Readable when something is done."},
    {"go_on", (PyCFunction)pen_go_on, METH_NOARGS,
     "After one that failed, the next ones are written again; those before that are not."},
    {"write", (PyCFunction)pen_write, METH_VARARGS,
     "write(file, start, rows): as `write_rows`, soon. The list must not be changed."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject PenType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bridge.native._core.Pen",
    .tp_basicsize = sizeof(Pen),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = pen_new,
    .tp_dealloc = (destructor)pen_dealloc,
    .tp_methods = methods,
};
