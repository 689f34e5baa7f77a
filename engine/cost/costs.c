#include "cost/costs.h"

uint64_t ofa_layer_macs(const struct ofa_layer *l)
{
	uint64_t outputs = (uint64_t)l->h_out * (uint64_t)l->w_out * (uint64_t)l->c_out;
	uint64_t window = (uint64_t)l->k * (uint64_t)l->k;

	switch (l->op) {
	case OFA_OP_CONV:
		return outputs * window * (uint64_t)l->c_in;
	case OFA_OP_DWCONV:
		return outputs * window;
	case OFA_OP_SE:
		return 2 * (uint64_t)l->c_in * (uint64_t)l->hidden;
	case OFA_OP_LINEAR:
		return (uint64_t)l->c_in * (uint64_t)l->c_out;
	case OFA_OP_POOL:
	case OFA_OP_MAX_POOL:
	case OFA_OP_AVERAGE_POOL:
	case OFA_OP_ADD:
	case OFA_OP_COUNT:
		break;
	}
	return 0;
}

uint64_t ofa_unit_macs(const struct ofa_plan *p, int unit)
{
	const struct ofa_unit *u = &p->units[unit];
	uint64_t macs = 0;

	for (int i = u->first_layer; i < u->first_layer + u->n_layers; i++)
		macs += ofa_layer_macs(&p->layers[i]);
	return macs;
}

uint64_t ofa_plan_macs(const struct ofa_plan *p)
{
	uint64_t macs = 0;

	for (int i = 0; i < p->n_layers; i++)
		macs += ofa_layer_macs(&p->layers[i]);
	return macs;
}

static uint64_t layer_params(const struct ofa_layer *l)
{
	uint64_t in = (uint64_t)l->c_in, out = (uint64_t)l->c_out, hidden = (uint64_t)l->hidden;
	uint64_t window = (uint64_t)l->k * (uint64_t)l->k;
	uint64_t bn = l->bn >= 0 ? 2 * out : 0;

	switch (l->op) {
	case OFA_OP_CONV:
		return in * out * window + bn;
	case OFA_OP_DWCONV:
		return out * window + bn;
	case OFA_OP_SE:
		return 2 * in * hidden + hidden + in;
	case OFA_OP_LINEAR:
		return in * out + out;
	case OFA_OP_POOL:
	case OFA_OP_MAX_POOL:
	case OFA_OP_AVERAGE_POOL:
	case OFA_OP_ADD:
	case OFA_OP_COUNT:
		break;
	}
	return 0;
}

uint64_t ofa_unit_params(const struct ofa_plan *p, int unit)
{
	const struct ofa_unit *u = &p->units[unit];
	uint64_t params = 0;

	for (int i = u->first_layer; i < u->first_layer + u->n_layers; i++)
		params += layer_params(&p->layers[i]);
	return params;
}

uint64_t ofa_plan_params(const struct ofa_plan *p)
{
	uint64_t params = 0;

	for (int i = 0; i < p->n_layers; i++)
		params += layer_params(&p->layers[i]);
	return params;
}
