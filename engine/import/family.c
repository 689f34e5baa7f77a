#include "import/family.h"

static const struct ofa_import_family families[] = {
	{"mbv3", ofa_family_mbv3_recognise, ofa_family_mbv3_infer},
	{"proxyless", ofa_family_proxyless_recognise, ofa_family_proxyless_infer},
	{"resnet50", ofa_family_resnet50_recognise, ofa_family_resnet50_infer},
};

enum ofa_status ofa_import_infer(const struct ofa_import_names *names, struct ofa_import_space *ret,
				 struct ofa_error *err)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(families); i++) {
		if (families[i].recognise(names)) {
			enum ofa_status st = families[i].infer(names, ret, err);

			if (st != OFA_OK)
				ofa_error_prefix(err, "as a network of family %s", families[i].name);
			return st;
		}
	}
	return ofa_fail(err, OFA_ERR_MISMATCH, "family",
			"its %zu tensors, the first being \"%.100s\", are of no once-for-all family; elastic "
			"MobileNetV3, ProxylessNAS and ResNet50 are known",
			names->n, names->n ? names->list[0].tensor->name : "");
}

enum ofa_status ofa_import_layer(const struct ofa_import_names *names, const char *name, int rank, int *ret_out,
				 int *ret_in, int *ret_kernel, struct ofa_error *err)
{
	const struct ofa_tensor *t = NULL;
	char shape[OFA_IMPORT_SHAPE_MAX];
	enum ofa_status st = ofa_import_names_get(names, name, rank, &t, err);

	if (st != OFA_OK)
		return st;
	if (t->shape[0] < 1 || t->shape[0] > OFA_MAX_CLASSES || t->shape[1] < 1 || t->shape[1] > OFA_MAX_CHANNELS ||
	    (rank == 4 && (t->shape[2] != t->shape[3] || t->shape[2] < 1 || t->shape[2] > 7)))
		return ofa_fail(err, OFA_ERR_MISMATCH, name,
				"tensor \"%s\" has shape %s; (outputs, inputs%s) is expected", name,
				ofa_import_shape(t, shape), rank == 4 ? ", k, k" : "");
	*ret_out = (int)t->shape[0];
	*ret_in = (int)t->shape[1];
	*ret_kernel = rank == 4 ? (int)t->shape[2] : 1;
	return OFA_OK;
}

enum ofa_status ofa_import_complete(struct ofa_space *s, struct ofa_error *err)
{
	json_t *json = ofa_space_format(s);
	enum ofa_status st = json ? ofa_space_parse(json, s, err) : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");

	json_decref(json);
	return st;
}
