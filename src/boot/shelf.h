/*
 * Small files that were asked for more than once, kept in memory: when a rack starts,
 * a ROM is read once and not once a block and machine.
 *
 * Nothing stale is served. Each request looks at the file again (one stat), and what
 * is kept is used only while it is the same file: device, inode, size, times of
 * change. A file that was changed within the last two seconds is not kept, as the
 * clock of its times might not tell the next change from the last.
 */
#ifndef PIXIE_BOOT_SHELF_H
#define PIXIE_BOOT_SHELF_H

#include <sys/stat.h>

#include "boot/content.h"

#define SHELF_FILE_MAX (4u << 20)
#define SHELF_MAX (16u << 20)

/* What is kept of `dir`/`name` and is still so: a new reference, or NULL. */
struct content *shelf_find(const char *dir, const char *name);

/*
 * Content of a file that was just opened as `dir`/`name`; takes the descriptor over,
 * also on failure. `st` is its fstat, `type` a string that outlives the content.
 */
struct content *shelf_open(const char *dir, const char *name, int fd,
	const struct stat *st, const char *type);

/* Forgets everything (for tests). */
void shelf_clear(void);

#endif
