/*
 * A directory the admin gave us to serve. Names from the network stay inside it
 * because the kernel says so (openat2, RESOLVE_BENEATH), not because a string
 * looked harmless. Symbolic links in it were placed by the admin and are
 * followed wherever they lead, as the original did.
 */
#ifndef PIXIE_BOOT_TREE_H
#define PIXIE_BOOT_TREE_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Opens `name` (canonical, see name_clean()) below `dir` for reading and fills
 * `st`. A name that is not there is tried once more without regard to case:
 * Windows bootmgr asks for \Boot\BCD whatever the medium calls it. Returns a
 * descriptor of a regular file or directory, -EINVAL for anything else (FIFO,
 * device), -EACCES for what is secret (secret.h), or -errno. `dir` is opened anew each time: it may be replaced.
 */
int tree_open(const char *dir, const char *name, struct stat *st);

/* False when this kernel has no openat2 (Linux 5.6) or a seccomp filter forbids it. */
bool tree_supported(void);

#endif
