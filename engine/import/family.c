#include "import/family.h"

static const struct ofa_import_family families[] = {
	{"mbv3", ofa_family_mbv3_recognise, ofa_family_mbv3_infer},
	{"proxyless", ofa_family_proxyless_recognise, ofa_family_proxyless_infer},
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
			"MobileNetV3 and ProxylessNAS are known",
			names->n, names->n ? names->list[0].tensor->name : "");
}
