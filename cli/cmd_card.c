/* ofa card: how a network was trained and what was published beside it, shown or put into its file. */
#include <stdio.h>

#include "card.h"
#include "commands.h"
#include "files.h"
#include "network.h"
#include "output.h"
#include "train/history.h"

struct card_options {
	const char *network, *history, *references, *out;
	bool json;
};

static enum ofa_status show(const struct card_options *o, const struct ofa_supernet *net, struct ofa_error *err)
{
	struct cli_card card;
	enum ofa_status st = cli_card_load(net, &card, err);

	if (st != OFA_OK)
		return st;
	if (o->json) {
		st = cli_print_json(json_pack("{s:s,s:o,s:o}", "name", net->name, "history", cli_card_history(&card),
		                              "references", cli_card_references(&card)),
		                    err);
	} else {
		printf("network %s\n", net->name);
		cli_card_print(&card);
	}
	cli_card_release(&card);
	return st;
}

static enum ofa_status read_history(const struct card_options *o, const struct ofa_supernet *net,
                                    struct ofa_history *ret, struct ofa_error *err)
{
	struct ofa_map map;
	enum ofa_status st = ofa_map_open(o->history, &map, err);

	if (st != OFA_OK)
		return st;
	st = ofa_train_log_history(net, (const char *)map.data, map.size, ret, err);
	ofa_map_close(&map);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", o->history);
	return st;
}

static enum ofa_status read_references(const struct card_options *o, struct ofa_references *ret, struct ofa_error *err)
{
	json_t *json;
	enum ofa_status st = cli_load_json(o->references, &json, err);

	if (st != OFA_OK)
		return st;
	st = ofa_references_parse(json, ret, err);
	json_decref(json);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", o->references);
	return st;
}

/* The card as it is to be: what is not given stays. */
static enum ofa_status gather(const struct card_options *o, const struct ofa_supernet *net, struct cli_card *card,
                              struct ofa_error *err)
{
	struct ofa_references references;
	enum ofa_status st = o->history ? read_history(o, net, &card->history, err) : OFA_OK;

	if (st != OFA_OK || !o->references)
		return st;
	st = read_references(o, &references, err);
	if (st == OFA_OK) {
		ofa_references_release(&card->references);
		card->references = references;
	}
	return st;
}

/* An empty list takes the member out. */
static bool put_references(json_t *metadata, const struct ofa_references *r)
{
	static const char key[] = "ofa.references";

	if (r->n)
		return ofa_supernet_set_metadata(metadata, key, ofa_references_format(r));
	json_object_del(metadata, key);
	return true;
}

static enum ofa_status save(const struct card_options *o, const struct ofa_supernet *net, const struct cli_card *card,
                            struct ofa_error *err)
{
	json_t *metadata = json_copy(net->file.metadata);
	enum ofa_status st;

	if (metadata &&
	    (!o->history || ofa_supernet_set_metadata(metadata, "ofa.history", ofa_history_format(&card->history))) &&
	    (!o->references || put_references(metadata, &card->references)))
		st = cli_save_metadata(net, metadata, o->out, err);
	else
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the card");
	json_decref(metadata);
	return st;
}

static enum ofa_status report(const struct card_options *o, const struct cli_card *card, struct ofa_error *err)
{
	if (o->json)
		return cli_print_json(json_pack("{s:s,s:o,s:o}", "file", o->out, "history", cli_card_history(card),
		                                "references", cli_card_references(card)),
		                      err);
	cli_card_print(card);
	printf("wrote %s\n", o->out);
	return OFA_OK;
}

static enum ofa_status change(const struct card_options *o, const struct ofa_supernet *net, struct ofa_error *err)
{
	struct cli_card card;
	enum ofa_status st = cli_card_load(net, &card, err);

	if (st != OFA_OK)
		return st;
	st = gather(o, net, &card, err);
	if (st == OFA_OK)
		st = save(o, net, &card, err);
	if (st == OFA_OK)
		st = report(o, &card, err);
	cli_card_release(&card);
	return st;
}

static enum ofa_status card(struct card_options *o, struct ofa_error *err)
{
	const bool changes = o->history || o->references;
	struct ofa_supernet *net = NULL;
	enum ofa_status st;

	if (o->out && !changes)
		return ofa_fail(err, OFA_ERR_INVALID, "--out", "is for --history and --references");
	if (!o->out)
		o->out = o->network;
	st = cli_open_network(o->network, &net, err);
	if (st == OFA_OK)
		st = changes ? change(o, net, err) : show(o, net, err);
	ofa_supernet_free(net);
	return st;
}

int cmd_card(int argc, char **argv)
{
	struct card_options o = {0};
	const struct opt options[] = {
		{.name = "history", .kind = OPT_TEXT, .value = "TRAIN.jsonl", .to.text = &o.history,
		 .help = "put in how accuracy went, from the log of the training"},
		{.name = "references", .kind = OPT_TEXT, .value = "FILE.json", .to.text = &o.references,
		 .help = "put in published points; an empty list takes them out"},
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .value = "OUT", .to.text = &o.out,
		 .help = "the network file to write (default: NET itself)"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "card", .operands = "NET", .n_operands = 1,
		.about = "Shows what a network file tells of its training (the accuracy of the largest and the\n"
		         "smallest subnet at the end of each phase) and which published points it is compared with;\n"
		         "or puts them in: no tensor changes, but the file's SHA-256 does, by which servers know it.\n"
		         "`ofa train` writes the history itself.  FILE.json is a list of objects with name, accuracy\n"
		         "(0 to 1), source, and any of macs, params, peak_memory_bytes, storage_bytes, latency_ms\n"
		         "({PROFILE: ms}) and dtype.\n",
		.examples = "  ofa card models/fashion/fashion.safetensors\n"
		            "  ofa card net.safetensors --history train.jsonl\n"
		            "  ofa card net.safetensors --references published.json -o compared.safetensors\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.network = operand[0];
	return cli_finish(spec.command, o.json, card(&o, &err), &err);
}
