/* One boot's events read once, for the rules of verdict.c to ask. */
#ifndef PIXIE_MACHINE_STORY_H
#define PIXIE_MACHINE_STORY_H

#include "machine/event.h"
#include "machine/step.h"

struct earlier;

struct story {
	const struct event *events;
	size_t n;
	int64_t silent; /* milliseconds */
	const struct earlier *before;
	enum step reached;
	int arch; /* -1: unknown */
	/* The last of each, NULL for none; one told later lies behind the other. */
	const struct event *discover, *offer, *silence, *ack, *done, *local, *booted;
	const struct event *other, *other_before; /* two that name different files */
	const struct event *probed, *rom_asked, *rom_sent, *rom_missing, *alien_rom;
	const struct event *menu_sent, *script, *script_missing;
	const struct event *kernel,
		*file_sent;           /* the first, and the last file after the script */
	const struct event *bad_file; /* missing, refused or cut, and never sent since */
	const struct event *stalled, *lossy;
	const struct event
		*unanswered;       /* TFTP: nothing of what we sent was acknowledged */
	const struct event *asked; /* still under way */
	/* Its script, given once more though it had fetched files of it; it has come no
	 * further since. */
	const struct event *came_back;
	/* How often: offers; the last ROM, whole; its script, by what was told of it;
	 * files since it was given the script, and the most of the times before. */
	unsigned offers, roms, scripts[2], files, files_before;
};

struct story story_read(const struct event *events, size_t n,
	const struct earlier *before, int64_t silent_ms);

/* Share of packets sent again, percent. */
unsigned story_loss(const struct event *e);

#endif
