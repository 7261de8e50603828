/*
 * The log: one line an event on standard error,
 *
 *	2026-01-02T03:04:05.678Z INFO 00-11-22-33-44-55 tftp-sent name=undionly.kpxe
 *bytes=75016
 *
 * time, level, machine ("-" when no machine is concerned), event, key=value.
 * Values come from the network: whatever is not plain is quoted and escaped, so
 * that a file name cannot forge a line. Under systemd the time is left out and
 * the journal's priority put in front (sd-daemon(3)).
 */
#ifndef PIXIE_BASE_LOG_H
#define PIXIE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/netaddr.h"

enum log_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

struct kv {
	const char *key;
	enum { KV_TEXT, KV_BYTES, KV_NUM, KV_PEER } type;
	union {
		const char *text;
		int64_t num;
		const struct netaddr *peer;
	};
	size_t len;
};

/* `(key, value)` pairs for the log_* macros; they borrow what they point to. */
#define STR(k, v) ((struct kv){.key = (k), .type = KV_TEXT, .text = (v)})
#define MEM(k, v, n)                                                                     \
	((struct kv){.key = (k), .type = KV_BYTES, .text = (const char *)(v), .len = (n)})
#define NUM(k, v) ((struct kv){.key = (k), .type = KV_NUM, .num = (int64_t)(v)})
#define PEER(k, v) ((struct kv){.key = (k), .type = KV_PEER, .peer = (v)})

/* Parses ERROR, WARNING, INFO, DEBUG in any case. */
bool log_level_parse(const char *text, enum log_level *out);
/* Sets the level and finds out whether standard error is the journal. */
void log_init(enum log_level level);
bool log_on(enum log_level level);

/* Writes one line when `level` is on. `who` may be NULL. Use the macros below. */
void log_event(enum log_level level, const char *who, const char *event,
	const struct kv *kv, size_t n);

/* The line log_event() would write, without time; for it and for tests. Truncates. */
size_t log_format(char *buf, size_t cap, enum log_level level, const char *who,
	const char *event, const struct kv *kv, size_t n);

#define LOG_AT(level, who, event, ...)                                                   \
	do {                                                                             \
		if (log_on(level)) {                                                     \
			const struct kv kv_[] = {{0}, ##__VA_ARGS__};                    \
			log_event(level, who, event, kv_ + 1,                            \
				sizeof(kv_) / sizeof(*kv_) - 1);                         \
		}                                                                        \
	} while (0)
#define log_error(who, event, ...) LOG_AT(LEVEL_ERROR, who, event, ##__VA_ARGS__)
#define log_warning(who, event, ...) LOG_AT(LEVEL_WARNING, who, event, ##__VA_ARGS__)
#define log_info(who, event, ...) LOG_AT(LEVEL_INFO, who, event, ##__VA_ARGS__)
#define log_debug(who, event, ...) LOG_AT(LEVEL_DEBUG, who, event, ##__VA_ARGS__)

/*
 * A packet or request that is thrown away says why, in one format, at DEBUG:
 * what comes from strangers must not be able to fill a disk.
 */
#define log_drop(who, proto_, why_, ...)                                                 \
	log_debug(who, "drop", STR("proto", proto_), STR("why", why_), ##__VA_ARGS__)

#endif
