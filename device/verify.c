#include "internal.h"

enum ofa_device_status ofa_device_verify(const struct ofa_device_model *model, uint32_t *ret_where)
{
	const uint32_t trailer = model->size - OFA_FMT_TRAILER_BYTES;
	uint8_t digest[OFA_DEVICE_SHA256_BYTES];
	uint32_t where = 0, i;

	if (ret_where == NULL)
		ret_where = &where;
	ofa_device_sha256(model->data, trailer, digest);
	if (memcmp(digest, model->data + trailer, sizeof(digest)) != 0)
		return ofa_device_refuse(OFA_DEVICE_ERR_DIGEST, trailer, ret_where);
	for (i = 0; i < model->n_tensors; i++) {
		struct ofa_device_tensor t;

		ofa_device_tensor(model, i, &t);
		ofa_device_sha256(t.data, t.size, digest);
		if (memcmp(digest, t.hash, OFA_FMT_HASH_BYTES) != 0)
			return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR_DIGEST, (uint32_t)(t.hash - model->data),
						 ret_where);
	}
	return OFA_DEVICE_OK;
}
