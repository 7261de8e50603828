/*
 * The names in a directory, looked up without regard to case. Those of the last few
 * directories are kept, sorted, while the directory is as it was (one fstat): among ten
 * thousand scripts, reading it for each file that is not there took milliseconds.
 */
#ifndef PIXIE_BOOT_NAMES_H
#define PIXIE_BOOT_NAMES_H

#include <stdbool.h>

#define NAMES_PART 256           /* NAME_MAX and its NUL */
#define NAMES_DIRS 16            /* directories that are kept */
#define NAMES_MAX 100000         /* names of one; of a larger one none are kept */
#define NAMES_BYTES (16ul << 20) /* all that is kept */

/*
 * The first name in byte order, behind `after`, that is `part` but for case: not whatever
 * the disk lists first. False when there is none, or the directory cannot be read. `dir`
 * is a descriptor of it, O_PATH will do; it is borrowed. Any thread may call.
 */
bool names_next(
	int dir, const char *part, const char *after, char found[static NAMES_PART]);

/* Forgets all that is kept. */
void names_clear(void);

#endif
