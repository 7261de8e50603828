/* Dates of HTTP, RFC 9110 §5.6.7. */
#ifndef PIXIE_HTTP_HTTPDATE_H
#define PIXIE_HTTP_HTTPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define HTTP_DATE_LEN 29
#define HTTP_DATE_TEXT (HTTP_DATE_LEN + 1)

/* "Sun, 06 Nov 1994 08:49:37 GMT"; years 0 to 9999. Returns `buf`. */
const char *http_date_format(time_t t, char buf[static HTTP_DATE_TEXT]);

/*
 * Parses the three forms a recipient must take: IMF-fixdate, RFC 850 and asctime.
 * `now` decides the century of a two-digit year. False when it is none of them.
 */
bool http_date_parse(const char *text, size_t len, time_t now, time_t *out);

#endif
