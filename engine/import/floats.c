#include <string.h>

#include "import/import.h"

/* IEEE 754 binary16: exact in binary32. */
static float from_half(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 0x1fu, fraction = h & 0x3ffu, bits;
	float f;

	if (exponent == 0) {
		f = (float)fraction * 0x1p-24f;
		return sign ? -f : f;
	}
	bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* The upper half of a binary32. */
static float from_bfloat(uint16_t b)
{
	uint32_t bits = (uint32_t)b << 16;
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

bool ofa_import_floats(const struct ofa_tensor *t, float *out)
{
	size_t n = (size_t)ofa_tensor_elements(t);

	switch (t->dtype) {
	case OFA_F32:
		memcpy(out, t->data, n * sizeof(float));
		return true;
	case OFA_F64:
		for (size_t i = 0; i < n; i++)
			out[i] = (float)((const double *)t->data)[i];
		return true;
	case OFA_F16:
		for (size_t i = 0; i < n; i++)
			out[i] = from_half(((const uint16_t *)t->data)[i]);
		return true;
	case OFA_BF16:
		for (size_t i = 0; i < n; i++)
			out[i] = from_bfloat(((const uint16_t *)t->data)[i]);
		return true;
	default:
		return false;
	}
}
