#include "cmd/fail.h"

#include <stdarg.h>
#include <stdio.h>

int
fail(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("pixie: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}
