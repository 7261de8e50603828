/*
 * How much memory there is for us: what does not fit is better not kept in the page
 * cache at the cost of all else.
 */
#ifndef PIXIE_SYS_MEMORY_H
#define PIXIE_SYS_MEMORY_H

#include <stdint.h>

/*
 * Bytes: the machine's, or less where a control group (version 1 or 2, ours or one above
 * it) allows less. Found out at the first call, the same ever after.
 */
uint64_t memory_limit(void);

/* The least limit of the group at `path` ("/a/b") and those above; UINT64_MAX without. */
uint64_t memory_group_limit(const char *root, const char *path, const char *file);

#endif
