/*
 * The ring: events as records of their own length, oldest overwritten by newest. Each
 * has an owner (a machine's slot), and those of one owner are linked in order, so that
 * a machine's story is read without looking at anybody else's. No lock, no clock.
 */
#ifndef PIXIE_MACHINE_TIMELINE_H
#define PIXIE_MACHINE_TIMELINE_H

#include <stddef.h>

#include "machine/event.h"

#define RECORD_NONE UINT32_MAX
/* Longer strings are cut: they come from the network. */
#define RECORD_NAME_MAX 256
#define RECORD_TEXT_MAX 512

/* As short as it can be: of these there are tens of thousands in a boot of a rack. */
struct record {
	uint16_t size;               /* with what follows, a multiple of 8 */
	uint16_t name_len, text_len; /* without NUL; 0: NULL */
	int16_t arch;
	uint64_t seq; /* 0: a filler before the ring's end */
	int64_t wall_ms;
	uint32_t owner; /* SLOT_NONE: nobody's */
	uint32_t next;  /* the owner's next record, RECORD_NONE: this is its last */
	uint32_t boot;
	uint16_t status;
	struct mac mac;
	uint8_t kind, via;
	uint8_t addr_len;    /* 0, 4 or 16 */
	uint8_t numbers_len; /* total, bytes, packets, ms, resent: see put_numbers() */
	uint8_t rest[];      /* address, numbers, name NUL, text NUL: those there are */
};

struct timeline {
	uint8_t *ring;
	size_t size, used;
	uint32_t head, tail;     /* where the oldest is, and the next will be */
	uint64_t newest, oldest; /* seq; oldest = newest + 1: empty */
	uint32_t *marks;         /* where every so manieth is */
	size_t n_marks;
	/* A record is about to go: its owner forgets it. */
	void (*evicted)(void *arg, const struct record *record, uint32_t at);
	void *arg;
};

/* `size` is at least 64 KiB; false without memory. */
bool timeline_init(struct timeline *t, size_t size);
void timeline_deinit(struct timeline *t);
size_t timeline_memory(const struct timeline *t);

/* Appends, and gives the event its seq; where it is. Linking is the owner's. */
uint32_t timeline_append(struct timeline *t, uint32_t owner, struct event *e);
struct record *timeline_at(const struct timeline *t, uint32_t at);
/* The record as an event; strings borrowed from the ring. */
struct event record_event(const struct record *record);
/* Where the first record after `seq` is; RECORD_NONE when there is none. */
uint32_t timeline_after(const struct timeline *t, uint64_t seq);
/* The one after it in the ring, whoever's. */
uint32_t timeline_next(const struct timeline *t, uint32_t at);

#endif
