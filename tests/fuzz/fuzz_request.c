/* Bodies of POST /subnets: any bytes as JSON, then through the request parser.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this
 * file with clang -fsanitize=fuzzer,address,undefined and run ./fuzz_request tests/fuzz/corpus/request. */
#include <stdint.h>

#include "api/json_subnet_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct subnet_request request;
	struct ofa_error err = {0};

	if (json && subnet_request_parse(json, &request, &err) == OFA_OK)
		subnet_request_release(&request);
	json_decref(json);
	return 0;
}
