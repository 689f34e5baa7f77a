#include "firmware.h"

void firmware_say(const char *text)
{
	while (*text != 0)
		firmware_serial_put((uint8_t)*text++);
}

void firmware_say_number(const char *before, uint64_t n, const char *after)
{
	char digits[21];
	char *p = digits + sizeof(digits) - 1;

	*p = 0;
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	firmware_say(before);
	firmware_say(p);
	firmware_say(after);
}

void firmware_say_signed(const char *before, int32_t n, const char *after)
{
	firmware_say(before);
	firmware_say_number(n < 0 ? "-" : "", n < 0 ? 0u - (uint32_t)n : (uint32_t)n, after);
}
