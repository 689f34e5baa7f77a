/* Any bytes as a notification of the database's: what is understood is within its bounds, and is what a replica would
 * have sent.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iengine -Iserver tests/fuzz/fuzz_notification.c \
 *		server/store/notification.c ... -o fuzz_notification    (and the archives, for store_topic_name())
 *	mkdir -p new-inputs && ./fuzz_notification -max_len=5000 new-inputs tests/fuzz/corpus/notification
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/notification.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* as libpq has it: exactly as long as its text */
	char *payload = malloc(size + 1), again[NOTIFICATION_MAX];
	enum store_topic topic;
	const char *text;

	if (!payload)
		abort();
	if (size)
		memcpy(payload, data, size);
	payload[size] = '\0';
	if (notification_parse(payload, &topic, &text)) {
		if (topic >= STORE_TOPIC_COUNT || strlen(text) > STORE_TEXT_MAX)
			abort();
		if (!notification_format(topic, text, again) || strcmp(again, payload) != 0)
			abort();
	}
	free(payload);
	return 0;
}
