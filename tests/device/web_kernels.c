/* tests/firmware/kernels.c as a WebAssembly module: compare() traps where kernels differ; said() is what it told. */
#include <string.h>

#include "firmware.h"

#define SAID_BYTES 256

static char said_text[SAID_BYTES];

void firmware_say(const char *text)
{
	const size_t before = strlen(said_text), n = strlen(text);

	if (n < SAID_BYTES - before)
		memcpy(said_text + before, text, n + 1);
}

void firmware_say_number(const char *before, uint64_t n, const char *after)
{
	char digit[2] = {(char)('0' + n / 10 % 10), 0};

	firmware_say(before);
	firmware_say(digit);
	digit[0] = (char)('0' + n % 10);
	firmware_say(digit);
	firmware_say(after);
}

void firmware_stop(int status)
{
	(void)status;
	__builtin_trap();
}

__attribute__((export_name("compare"))) void compare_kernels(void)
{
	firmware_main();
}

__attribute__((export_name("said"))) const char *said(void)
{
	return said_text;
}
