/* The rows of a latency table as they stand in the document: nothing translated, every number checked. */
#ifndef OFA_IMPORT_TABLE_ROWS_H
#define OFA_IMPORT_TABLE_ROWS_H

#include "import/table_key.h"

struct ofa_table_row {
	char *text;    /* of the key; owned */
	char *pointer; /* JSON pointer to the row in the document; owned */
	int line;
	int resolution; /* of the group that it stands in; 0: none */
	struct ofa_table_key key;
	double mean, std; /* in the document's unit */
	uint32_t count;   /* 0: not said */
};

struct ofa_table_rows {
	size_t n, room; /* n at least 1 after reading */
	struct ofa_table_row *list;
	enum ofa_time_unit unit; /* as stated */
	bool grouped;            /* by resolution */
};

/* An error has the JSON pointer to the row as its field and says the line. */
enum ofa_status ofa_table_rows_read(const char *text, size_t size, struct ofa_table_rows *ret,
				    struct ofa_error *err) OFA_MUST_CHECK;
void ofa_table_rows_release(struct ofa_table_rows *rows);

#endif
