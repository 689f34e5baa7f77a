/* Bodies of POST /subnets: any bytes as JSON, then through the request parser, and an arch through that of a space.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this
 * file with clang -fsanitize=fuzzer,address,undefined and run ./fuzz_request tests/fuzz/corpus/request. */
#include <stdint.h>
#include <stdlib.h>

#include "api/json_subnet_request.h"
#include "space/arch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct subnet_request request;
	struct ofa_space space;
	struct ofa_arch arch;
	struct ofa_error err = {0};

	if (json && subnet_request_parse(json, &request, &err) == OFA_OK) {
		if (request.arch && ofa_space_preset("mbv3", 1.0, 10, &space, &err) == OFA_OK &&
		    ofa_arch_parse(&space, request.arch, &arch, &err) == OFA_OK &&
		    ofa_arch_depth(&space, &arch, 0) < 1)
			abort();
		subnet_request_release(&request);
	}
	json_decref(json);
	return 0;
}
