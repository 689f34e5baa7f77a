#include "ofa_device.h"

static const char *const messages[OFA_DEVICE_STATUS_COUNT] = {
	[OFA_DEVICE_OK] = "ok",
	[OFA_DEVICE_ERR_HOST] = "packages need a little-endian processor",
	[OFA_DEVICE_ERR_ALIGNMENT] = "the package must lie at a multiple of 4 in memory",
	[OFA_DEVICE_ERR_TRUNCATED] = "the package is truncated",
	[OFA_DEVICE_ERR_MAGIC] = "not a packed subnet",
	[OFA_DEVICE_ERR_VERSION] = "the package has a format version that this runtime does not know",
	[OFA_DEVICE_ERR_RESERVED] = "the package uses a field that this runtime does not know",
	[OFA_DEVICE_ERR_LIMIT] = "a count, size or shape is zero or too large",
	[OFA_DEVICE_ERR_SECTION] = "the sections of the package do not follow each other",
	[OFA_DEVICE_ERR_INPUT] = "the description of the network's input is malformed",
	[OFA_DEVICE_ERR_OP] = "an operation is unknown or has parameters it cannot have",
	[OFA_DEVICE_ERR_SHAPE] = "an operation's output shape does not follow from its input",
	[OFA_DEVICE_ERR_ARENA_RANGE] = "a value lies outside the arena or is misplaced",
	[OFA_DEVICE_ERR_DATAFLOW] = "an operation reads a value that is not there or overwrites its input",
	[OFA_DEVICE_ERR_TENSOR] = "a tensor is not what its operation needs",
	[OFA_DEVICE_ERR_OUTPUT] = "the last operation does not yield the logits",
	[OFA_DEVICE_ERR_DIGEST] = "the package is damaged: its SHA-256 is another",
	[OFA_DEVICE_ERR_TENSOR_DIGEST] = "a tensor's hash is not the one in its record",
	[OFA_DEVICE_ERR_SELF_TEST] = "the self-test's logits are out of tolerance",
	[OFA_DEVICE_ERR_ARENA_SIZE] = "the arena is too small",
	[OFA_DEVICE_ERR_ARENA_ALIGNMENT] = "the arena must lie at a multiple of 4 in memory",
	[OFA_DEVICE_ERR_RANGE] = "no such operations, or not whole groups of them",
	[OFA_DEVICE_ERR_TYPE] = "the package has numbers of a type that is not run here",
	[OFA_DEVICE_ERR_QUANT] = "a scale, zero point, multiplier, shift or bound is not what its operation needs",
	[OFA_DEVICE_ERR_GROUP] = "operations that run in turns do not form a group",
};

const char *ofa_device_strerror(enum ofa_device_status status)
{
	if ((unsigned)status >= OFA_DEVICE_STATUS_COUNT)
		return "unknown status";
	return messages[status];
}
