/* Directory listings, byte for byte as Go's FileServer wrote them in the original. */
#ifndef PIXIE_HTTP_LISTING_H
#define PIXIE_HTTP_LISTING_H

#include <stddef.h>

#include "boot/content.h"

/*
 * Lists `dir` (taken over) as HTML. `base` goes in front of every link: "" for a
 * path that ended in '/', else the directory's own name and a slash, because we
 * do not redirect to the path with the slash as the original did.
 * NULL when the directory cannot be read or memory is short.
 */
struct content *listing_make(int dir, const char *base);

/* As Go's url.URL{Path: path}.String(): percent signs, and "./" before a colon. */
size_t listing_href(char *buf, size_t cap, const char *path);

#endif
