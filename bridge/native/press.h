/* A press writes GELF documents of ordinary records by stencils: what the way through Python's
   dicts would write, at once. `bridge.inputs.cef.press` makes the stencils. */

#ifndef BRIDGE_PRESS_H
#define BRIDGE_PRESS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "scan.h"

#define MAX_MEMBERS 640
#define MAX_ROLES 8
#define MAX_TEXTS 8
#define MAX_DOCUMENT 32766
#define MAX_HOST 256

/* Where a text comes from: a pair by its index, or one of these. */
enum { FROM_VERSION = -7, FROM_HEADER = -6, NO_SOURCE = -100 };

/* What is written behind the literal of a member; where a value is blank the member is left out. */
typedef enum {
    CONSTANT, /* nothing */
    TEXT,     /* the text of `source` */
    LONG,
    DOUBLE,
    BOOLEAN,
    TIME,
    BLANK,    /* nothing: the text of `source` must be blank */
    DIGITS,   /* nothing: it must be blank or digits */
    CLOCK,    /* nothing: it must be blank or a time */
    HOST,     /* the header's host, else the text of `source`, else the sender */
    LINE,     /* the human line */
    FRAME,    /* the whole frame */
    EPOCH,    /* the time of `source`, else of the header, else of arrival, as a number */
    LEVEL,
    SEVERITY_MEMBERS,
    HEAD_MEMBERS,   /* of the syslog header */
    MOMENT_MEMBERS, /* of the time of the syslog header */
    SENDER,
    RECEIVED,
    NUMBER,
} Kind;

typedef struct {
    Kind kind;
    int source;
    const char *literal;
    Py_ssize_t size;
} Member;

/* Who or what a role names: the word in front, the pairs that may hold it, and its port. */
typedef struct {
    char word[8];
    int keys[2];
    int port;
} Role;

typedef struct {
    PyObject *literals; /* bytes, which the members point into */
    Py_ssize_t room;    /* for everything but texts of the frame */
    int copies;         /* how often one text is written at most */
    int pairs;          /* how many pairs it counts on */
    int role_count, text_count;
    Role roles[MAX_ROLES];
    int texts[MAX_TEXTS];
    int count;
    Member members[]; /* `count` of them */
} Stencil;

#define STENCIL "bridge.native.Stencil"

#define SCRATCH 65536

/* Tables by octets: syslog headers → (host, members), times of such headers → (members, epoch),
   severities → (level, members), shapes → stencil or None. Texts in them are JSON. */
typedef struct {
    PyObject_HEAD
    PyObject *heads, *moments, *severities, *shapes;
    PyObject *nothing, *tidy;
    char *buffer; /* documents joined by NUL, `used` bytes of `room` */
    Py_ssize_t room, used;
    Scan scan;
    char scratch[SCRATCH];
} Press;

/* What is the same for all frames of a call, and what was found for one frame. */
typedef struct {
    Press *press;
    const Scan *scan;
    const Stencil *stencil;
    PyObject *head, *moment, *severity;
    Span sender, received, now;
    unsigned long long number;
    int64_t header_time;
} Job;

Span item(PyObject *tuple, Py_ssize_t index);

/* One member behind what is at `out`; NULL when its value is not ordinary. */
char *put_member(char *out, const Job *job, const Member *member);

PyObject *make_stencil(PyObject *module, PyObject *arguments);

Span source_of(const Scan *scan, int source);

/* The human line of a record at `out`, not as JSON; NULL when it is not ordinary. `tidy` finishes
   it when there is more than ASCII in it; `nothing` are the texts that count as none. */
char *put_line(char *out, const Scan *scan, const Stencil *stencil, PyObject *nothing,
               PyObject *tidy);

extern PyTypeObject PressType;

#endif
