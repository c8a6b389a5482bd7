/* Parts of a JSON document. Each function writes at `out` and returns the end of what it wrote; the
   caller has seen to it that there is room. Those that return NULL found a value that is not
   ordinary. */

#ifndef BRIDGE_WRITE_H
#define BRIDGE_WRITE_H

#include <stdint.h>

#include "scan.h"

#define ISO_SIZE 27

char *put(char *out, const char *at, ptrdiff_t size);
char *put_span(char *out, Span text);

/* The text inside of quotation marks, as it is; `is_plain` as in `Scan`. */
char *put_raw(char *out, Span text, int is_plain);

/* The same without the escapes of CEF. */
char *put_text(char *out, Span text, int is_plain);

/* Without the escapes of CEF, and not as JSON. */
char *unescape(char *out, Span text);

/* Whether an index could take the text for a date. */
int may_be_date(Span text);

/* What `float`, `int` and the boolean texts of the standard become. */
char *put_long(char *out, Span text);
char *put_double(char *out, Span text);
char *put_boolean(char *out, Span text);

/* Microseconds since the epoch, from epoch milliseconds or ISO 8601 with a zone; 0: neither, or
   not between 1970 and 9998. */
int64_t read_time(Span text);
char *put_iso(char *out, int64_t microseconds);
char *put_epoch(char *out, int64_t microseconds);

#endif
