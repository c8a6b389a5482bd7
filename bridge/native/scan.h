/* The structure of an ordinary CEF record: where its parts begin and end. */

#ifndef BRIDGE_SCAN_H
#define BRIDGE_SCAN_H

#include <stddef.h>

#define MAX_PAIRS 320
#define MAX_FRAME 16384
#define HEADER_FIELDS 6

/* A part of a frame; `escaped`: it has escapes, and only such as the standard knows. */
typedef struct {
    const char *at;
    ptrdiff_t size;
    int escaped;
} Span;

/* What the time of the syslog header looks like. */
typedef enum { NO_TIME, BSD_TIME, ISO_TIME } TimeForm;

typedef enum { VENDOR, PRODUCT, DEVICE_VERSION, CLASS_ID, NAME, SEVERITY } HeaderField;

typedef struct {
    Span frame;
    Span mark; /* `<134>` or `<134>1 `, in front of the time */
    Span time;
    Span rest; /* behind the time, up to `CEF:` */
    TimeForm time_form;
    Span record; /* from `CEF:` to the end, without blanks */
    Span version;
    Span header[HEADER_FIELDS];
    ptrdiff_t count;
    Span keys[MAX_PAIRS];
    Span values[MAX_PAIRS];
    int is_ascii;
    int is_plain; /* no quotation mark and no tab anywhere */
} Scan;

/* Whether the octets are an ordinary record, and then its parts.

   Ordinary is what the parser in Python reads without a single flag, and a little less: valid
   UTF-8 without control characters but tabs, `CEF:0|` or `CEF:1|` behind nothing or a syslog
   header with a plain time, six fields and an extension in which every unescaped equals sign ends
   a key of letters, digits and underscores behind a blank. */
int scan(const char *text, ptrdiff_t size, Scan *found);

int is_blank(Span span);

#endif
