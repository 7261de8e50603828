/* How a command ends before it has begun: one line that says what and how to cure it. */
#ifndef PIXIE_CMD_FAIL_H
#define PIXIE_CMD_FAIL_H

#include <sysexits.h>

/*
 * Prints "pixie: MESSAGE" on standard error and returns `status`, one of
 * sysexits(3), for the caller to return.
 */
__attribute__((format(printf, 2, 3))) int fail(int status, const char *fmt, ...);

#endif
