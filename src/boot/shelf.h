/*
 * Small files that were asked for more than once, kept in memory: when a rack starts,
 * a ROM is read once and not once a block and machine. And large ones, kept open for
 * some seconds after their last use: an ISO is asked for in thousands of parts. Such a
 * descriptor has one user at a time, so that each has the kernel read ahead for it.
 *
 * Nothing stale is served. Each request looks at the file again (one stat), and what
 * is kept is used only while it is the same file: device, inode, size, times of
 * change. A file that was changed within the last two seconds is not kept in memory, as
 * the clock of its times might not tell the next change from the last.
 */
#ifndef PIXIE_BOOT_SHELF_H
#define PIXIE_BOOT_SHELF_H

#include <sys/stat.h>

#include "boot/content.h"

#define SHELF_FILE_MAX (4u << 20)
#define SHELF_MAX (16u << 20)
#define SHELF_OPEN_MAX 64 /* files */

/* What is kept of `dir`/`name` and is still so: a new reference, or NULL. */
struct content *shelf_find(const char *dir, const char *name);

/*
 * Content of a file that was just opened as `dir`/`name`; takes the descriptor over,
 * also on failure. `st` is its fstat, `type` a string that outlives the content.
 */
struct content *shelf_open(const char *dir, const char *name, int fd,
	const struct stat *st, const char *type);

/*
 * Closes the files that nobody has asked for since the call before this one. To be
 * called every few seconds: a removed file occupies its disk, and an open one its mount,
 * no longer than that.
 */
void shelf_tidy(void);

/* Forgets everything (for tests). */
void shelf_clear(void);

#endif
