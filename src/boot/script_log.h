/*
 * What is wrong with a script: a line each time a machine gets it, within a quota for
 * all of them, as one that boots in a loop asks again and again.
 */
#ifndef PIXIE_BOOT_SCRIPT_LOG_H
#define PIXIE_BOOT_SCRIPT_LOG_H

#include "base/log.h"

/* The level of the next warning; from any thread. */
enum log_level script_log_level(void);
/* How many were left out is said, if it is still to be. */
void script_log_end(void);

#endif
