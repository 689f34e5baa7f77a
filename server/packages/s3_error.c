#include <string.h>
#include "base/status.h"
#include "packages/s3_error.h"

static const char *find(const char *from, const char *end, const char *text)
{
	return from < end ? memmem(from, (size_t)(end - from), text, strlen(text)) : NULL;
}

/* No more of XML than that is looked at: a code is for people, and decides nothing that its status does not. */
void s3_error_code(const char *body, size_t n, char out[S3_CODE_MAX])
{
	static const char begin[] = "<Code>";
	const char *end = body + n, *code = find(body, end, begin), *stop;
	size_t len = 0;

	out[0] = '\0';
	if (!code)
		return;
	code += strlen(begin);
	stop = find(code, end, "</Code>");
	if (!stop || stop - code >= S3_CODE_MAX)
		return;
	for (; code + len < stop; len++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", code[len]) || !code[len])
			return;
	memcpy(out, code, len);
	out[len] = '\0';
}

const char *s3_error_advice(const char *code)
{
	static const struct {
		const char *code, *advice;
	} known[] = {
		{"AccessDenied",
		 ": the key needs s3:GetObject, s3:PutObject and s3:DeleteObject on what is in the bucket, and "
		 "s3:ListBucket, without which S3 says this of what is not there, too"},
		{"AuthorizationHeaderMalformed",
		 ": is it the bucket's region?  See region= of --packages and AWS_REGION"},
		{"ExpiredToken", ": AWS_SESSION_TOKEN has expired; start ofad with a new one"},
		{"InvalidAccessKeyId", ": see AWS_ACCESS_KEY_ID"},
		{"InvalidBucketName", ": see --packages"},
		{"InvalidToken", ": see AWS_SESSION_TOKEN"},
		{"NoSuchBucket", ": it is to be made first, or see --packages"},
		{"RequestTimeTooSkewed",
		 ": this machine's clock and the server's are more than a quarter of an hour apart; set the clock, "
		 "best by NTP"},
		{"SignatureDoesNotMatch", ": see AWS_SECRET_ACCESS_KEY"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(known); i++)
		if (strcmp(code, known[i].code) == 0)
			return known[i].advice;
	return "";
}
