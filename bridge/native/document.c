/* The members of a document. */

#include "press.h"

#include <string.h>

#include "write.h"

Span item(PyObject *tuple, Py_ssize_t index)
{
    PyObject *bytes = PyTuple_GET_ITEM(tuple, index);
    return (Span){PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), 0};
}

static char *put_member_text(char *out, const Job *job, const Member *member)
{
    Span text = source_of(job->scan, member->source);
    if (is_blank(text)) {
        return out;
    }
    /* What begins with white space has its place at the end of the document. */
    int begins_white = text.at[0] <= ' ' && !(text.at[0] & 0x80);
    if (begins_white || (text.at[0] == '\\' && text.at[1] >= 'n') || may_be_date(text)) {
        return NULL;
    }
    out = put(out, member->literal, member->size);
    *out++ = '"';
    out = put_text(out, text, job->scan->is_plain);
    *out++ = '"';
    return out;
}

static char *put_time(char *out, Span text)
{
    int64_t microseconds = read_time(text);
    if (!microseconds) {
        return NULL;
    }
    *out++ = '"';
    out = put_iso(out, microseconds);
    *out++ = '"';
    return out;
}

static char *put_read(char *out, const Job *job, const Member *member)
{
    Span text = source_of(job->scan, member->source);
    if (is_blank(text)) {
        return out;
    }
    out = put(out, member->literal, member->size);
    switch (member->kind) {
    case LONG:
        return put_long(out, text);
    case DOUBLE:
        return put_double(out, text);
    case BOOLEAN:
        return put_boolean(out, text);
    default:
        return put_time(out, text);
    }
}

static char *put_host(char *out, const Job *job, const Member *member)
{
    Span host = {NULL, 0, 0};
    if (job->head) {
        host = item(job->head, 0);
    }
    if (!host.size && member->source != NO_SOURCE) {
        host = source_of(job->scan, member->source);
    }
    if (!host.size) {
        host = job->sender;
    }
    if (!host.size || host.size > MAX_HOST || host.escaped) {
        return NULL;
    }
    for (ptrdiff_t i = 0; i < host.size; i++) {
        if (host.at[i] <= ' ' || host.at[i] == '"' || host.at[i] == '\\' || host.at[i] > '~') {
            return NULL;
        }
    }
    *out++ = '"';
    out = put_span(out, host);
    *out++ = '"';
    return out;
}

static char *put_human_line(char *out, const Job *job)
{
    Press *press = job->press;
    char *end = put_line(press->scratch, job->scan, job->stencil, press->nothing, press->tidy);
    if (!end) {
        return NULL;
    }
    *out++ = '"';
    out = put_raw(out, (Span){press->scratch, end - press->scratch, 0}, job->scan->is_plain);
    *out++ = '"';
    return out;
}

static char *put_event_time(char *out, const Job *job, const Member *member)
{
    if (member->source != NO_SOURCE) {
        int64_t microseconds = read_time(source_of(job->scan, member->source));
        return microseconds ? put_epoch(out, microseconds) : NULL;
    }
    if (job->header_time) {
        return put_epoch(out, job->header_time);
    }
    return put_span(out, job->moment ? item(job->moment, 1) : job->now);
}

static char *put_quoted(char *out, Span text)
{
    *out++ = '"';
    out = put_span(out, text);
    *out++ = '"';
    return out;
}

static char *put_moment(char *out, const Job *job, const Member *member)
{
    if (job->moment) {
        return put_span(out, item(job->moment, 0));
    }
    out = put(out, member->literal, member->size);
    *out++ = '"';
    out = put_iso(out, job->header_time);
    *out++ = '"';
    return out;
}

/* What comes behind the literal of a member that is never left out. */
static char *put_rest(char *out, const Job *job, const Member *member)
{
    switch (member->kind) {
    case HOST:
        return put_host(out, job, member);
    case LINE:
        return put_human_line(out, job);
    case FRAME:
        *out++ = '"';
        out = put_raw(out, job->scan->frame, job->scan->is_plain);
        *out++ = '"';
        return out;
    case EPOCH:
        return put_event_time(out, job, member);
    case LEVEL:
        return put_span(out, item(job->severity, 0));
    case SEVERITY_MEMBERS:
        return put_span(out, item(job->severity, 1));
    case HEAD_MEMBERS:
        return job->head ? put_span(out, item(job->head, 1)) : out;
    case SENDER:
        return put_quoted(out, job->sender);
    case RECEIVED:
        return put_quoted(out, job->received);
    case NUMBER:
        return out + sprintf(out, "%llu\"", job->number);
    default:
        return out;
    }
}

static int is_as_it_must(Span text, Kind kind)
{
    ptrdiff_t digits = 0;
    while (digits < text.size && text.at[digits] >= '0' && text.at[digits] <= '9') {
        digits++;
    }
    return is_blank(text) || (kind == DIGITS && digits == text.size) ||
           (kind == CLOCK && read_time(text));
}

char *put_member(char *out, const Job *job, const Member *member)
{
    switch (member->kind) {
    case TEXT:
        return put_member_text(out, job, member);
    case LONG:
    case DOUBLE:
    case BOOLEAN:
    case TIME:
        return put_read(out, job, member);
    case BLANK:
    case DIGITS:
    case CLOCK:
        return is_as_it_must(source_of(job->scan, member->source), member->kind) ? out : NULL;
    case MOMENT_MEMBERS:
        return put_moment(out, job, member);
    default:
        return put_rest(put(out, member->literal, member->size), job, member);
    }
}
