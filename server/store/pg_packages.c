#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "store/pg.h"

/* So many bytes are in memory at once, three times over: ours, libpq's, the database's. */
#define PIECE ((size_t)4 << 20)

static const struct pg_statement insert = {
	.name = "package_piece_insert",
	.sql = "INSERT INTO package_bytes (id, number, pieces, data) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
};
static const struct pg_statement lookup = {
	.name = "package_piece_get",
	.sql = "SELECT pieces, data FROM package_bytes WHERE id = $1 AND number = $2",
	.binary = true,
};
static const struct pg_statement present = {
	.name = "package_present",
	.sql = "SELECT count(*) FROM package_bytes WHERE id = $1 AND number = 0",
};
static const struct pg_statement delete = {
	.name = "package_delete",
	.sql = "DELETE FROM package_bytes WHERE id = $1",
};

/* *ret_new false: there is such a piece.  Waits for who is putting one, to learn what comes of it. */
static enum ofa_status put_piece(struct pg_conn *c, const struct store_package *p, size_t number, size_t pieces,
				 bool *ret_new, struct ofa_error *err)
{
	size_t from = number * PIECE, n = p->size - from < PIECE ? p->size - from : PIECE;
	struct pg_args a = {0};
	PGresult *res;
	enum ofa_status st;

	pg_text(&a, p->id);
	pg_integer(&a, (int64_t)number);
	pg_integer(&a, (int64_t)pieces);
	pg_bytes(&a, n ? p->data + from : (const uint8_t *)"", n);
	st = pg_on(c, &insert, &a, &res, err);
	if (st != OFA_OK)
		return st;
	*ret_new = pg_changed(res) > 0;
	PQclear(res);
	return OFA_OK;
}

static enum ofa_status put_pieces(struct pg_conn *c, const struct store_package *p, bool *ret_present,
				  struct ofa_error *err)
{
	size_t pieces = p->size ? (p->size + PIECE - 1) / PIECE : 1;
	bool is_new = true;
	enum ofa_status st = OFA_OK;

	/* whose first one is there is there whole */
	for (size_t i = 0; i < pieces && st == OFA_OK && is_new; i++)
		st = put_piece(c, p, i, pieces, &is_new, err);
	if (st == OFA_OK)
		*ret_present = !is_new;
	return st;
}

static enum ofa_status look_for(struct store_pg *s, const char *id, bool *ret_present, struct ofa_error *err)
{
	struct pg_args a = {0};
	PGresult *res;
	enum ofa_status st;

	pg_text(&a, id);
	st = pg_run(s, &present, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	*ret_present = pg_get_integer(res, 0, 0) > 0;
	PQclear(res);
	return OFA_OK;
}

static enum ofa_status put(struct store *base, const struct store_package *p, bool replace, bool *ret_present,
			   struct ofa_error *err)
{
	struct store_pg *s = pg_of(base);
	struct pg_args a = {0};
	struct pg_conn *c;
	bool is_there = false;
	enum ofa_status st = OFA_OK;

	/* before megabytes are sent for nothing */
	if (!replace)
		st = look_for(s, p->id, &is_there, err);
	if (st == OFA_OK && !is_there)
		st = pg_begin(s, &c, err);
	if (st != OFA_OK || is_there)
		goto out;
	pg_text(&a, p->id);
	if (replace)
		st = pg_on(c, &delete, &a, NULL, err);
	if (st == OFA_OK)
		st = put_pieces(c, p, &is_there, err);
	st = pg_end(s, c, st, err);
out:
	if (st == OFA_OK)
		*ret_present = is_there;
	return st;
}

/* One piece, to the reader.  OFA_ERR_NOT_FOUND when there is none, or no longer. */
static enum ofa_status read_piece(struct store_pg *s, const char *id, uint32_t number, uint32_t *ret_pieces,
				  const struct store_reader *reader, struct ofa_error *err)
{
	struct pg_args a = {0};
	PGresult *res;
	enum ofa_status st;

	pg_text(&a, id);
	pg_integer(&a, number);
	st = pg_run(s, &lookup, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	if (PQntuples(res) == 0 || PQgetlength(res, 0, 0) != (int)sizeof(*ret_pieces)) {
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no subnet %s", id);
	} else {
		memcpy(ret_pieces, PQgetvalue(res, 0, 0), sizeof(*ret_pieces));
		*ret_pieces = ntohl(*ret_pieces);
		st = reader->take(reader->ctx, PQgetvalue(res, 0, 1), (size_t)PQgetlength(res, 0, 1), err);
	}
	PQclear(res);
	return st;
}

static enum ofa_status get(struct store *base, const char *id, const struct store_reader *reader, struct ofa_error *err)
{
	uint32_t pieces = 1;
	enum ofa_status st = OFA_OK;

	for (uint32_t i = 0; i < pieces && st == OFA_OK; i++)
		st = read_piece(pg_of(base), id, i, &pieces, reader, err);
	return st;
}

static enum ofa_status drop(struct store *base, const char *id, struct ofa_error *err)
{
	struct pg_args a = {0};

	pg_text(&a, id);
	return pg_run(pg_of(base), &delete, &a, PG_AGAIN, NULL, err);
}

const struct store_package_bytes pg_package_bytes = {
	.put = put,
	.get = get,
	.drop = drop,
};
