/* Stencils out of what Python says. */

#include "press.h"

#include <string.h>

static void free_stencil(PyObject *capsule)
{
    Stencil *stencil = PyCapsule_GetPointer(capsule, STENCIL);
    Py_XDECREF(stencil->literals);
    PyMem_Free(stencil);
}

Span source_of(const Scan *scan, int source)
{
    if (source == FROM_VERSION) {
        return scan->version;
    }
    return source < 0 ? scan->header[source - FROM_HEADER] : scan->values[source];
}

static int is_source(long source)
{
    return source == NO_SOURCE || (source >= FROM_VERSION && source < MAX_PAIRS);
}

static int refuse(const char *what)
{
    PyErr_SetString(PyExc_ValueError, what);
    return 0;
}

/* (literal, kind, source), each; the literals are kept in `literals`. */
static int add_members(Stencil *stencil, PyObject *members, PyObject *literals)
{
    int uses[MAX_PAIRS - FROM_VERSION] = {0};
    for (int i = 0; i < stencil->count; i++) {
        Member *member = &stencil->members[i];
        PyObject *literal;
        int kind;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(members, i), "Sii", &literal, &kind,
                              &member->source)) {
            return 0;
        }
        if (kind < CONSTANT || kind > NUMBER || !is_source(member->source)) {
            return refuse("no such kind or source");
        }
        member->kind = (Kind)kind;
        member->literal = PyBytes_AS_STRING(literal);
        member->size = PyBytes_GET_SIZE(literal);
        stencil->room += member->size + 64;
        if (member->source != NO_SOURCE) {
            stencil->pairs = member->source < stencil->pairs ? stencil->pairs : member->source + 1;
            int *count = &uses[member->source - FROM_VERSION];
            stencil->copies = ++*count > stencil->copies ? *count : stencil->copies;
        }
        Py_INCREF(literal);
        PyTuple_SET_ITEM(literals, i, literal);
    }
    return 1;
}

/* (word, key, key, port), each. */
static int add_roles(Stencil *stencil, PyObject *roles)
{
    stencil->role_count = (int)PyTuple_GET_SIZE(roles);
    if (stencil->role_count > MAX_ROLES) {
        return refuse("too many roles");
    }
    for (int i = 0; i < stencil->role_count; i++) {
        Role *role = &stencil->roles[i];
        const char *word;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(roles, i), "siii", &word, &role->keys[0],
                              &role->keys[1], &role->port)) {
            return 0;
        }
        if (strlen(word) >= sizeof role->word || !is_source(role->keys[0]) ||
            !is_source(role->keys[1]) || !is_source(role->port)) {
            return refuse("no such role");
        }
        strcpy(role->word, word);
    }
    return 1;
}

static int add_texts(Stencil *stencil, PyObject *texts)
{
    stencil->text_count = (int)PyTuple_GET_SIZE(texts);
    if (stencil->text_count > MAX_TEXTS) {
        return refuse("too many texts");
    }
    for (int i = 0; i < stencil->text_count; i++) {
        long source = PyLong_AsLong(PyTuple_GET_ITEM(texts, i));
        if (!is_source(source) || source < 0) {
            return PyErr_Occurred() ? 0 : refuse("no such pair");
        }
        stencil->texts[i] = (int)source;
    }
    return 1;
}

PyObject *make_stencil(PyObject *module, PyObject *arguments)
{
    PyObject *members, *roles, *texts;
    if (!PyArg_ParseTuple(arguments, "O!O!O!", &PyTuple_Type, &members, &PyTuple_Type, &roles,
                          &PyTuple_Type, &texts)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(members);
    if (count > MAX_MEMBERS) {
        refuse("too many members");
        return NULL;
    }
    Stencil *stencil = PyMem_Calloc(1, sizeof(Stencil) + (size_t)count * sizeof(Member));
    if (!stencil) {
        return PyErr_NoMemory();
    }
    stencil->count = (int)count;
    PyObject *capsule = PyCapsule_New(stencil, STENCIL, free_stencil);
    if (!capsule) {
        PyMem_Free(stencil);
        return NULL;
    }
    stencil->copies = 1;
    stencil->literals = PyTuple_New(PyTuple_GET_SIZE(members));
    if (!stencil->literals || !add_members(stencil, members, stencil->literals) ||
        !add_roles(stencil, roles) || !add_texts(stencil, texts)) {
        Py_DECREF(capsule);
        return NULL;
    }
    return capsule;
}
