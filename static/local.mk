# The dashboard.  Node bundles it into the source tree, and clang puts the device runtime for web pages beside it; a
# release has both, so whoever builds one needs neither.
DASHBOARD_DIST = $(srcdir)/static/dist
DASHBOARD_STAMP = $(DASHBOARD_DIST)/.made
DASHBOARD_BUNDLE = $(DASHBOARD_DIST)/index.html $(DASHBOARD_DIST)/app.css $(DASHBOARD_DIST)/app.js \
	$(DASHBOARD_DIST)/icon.svg $(DASHBOARD_DIST)/try.js
DASHBOARD_INPUT = $(srcdir)/static/build $(srcdir)/static/build.mjs $(srcdir)/static/icon.svg $(srcdir)/static/index.html \
	$(srcdir)/static/package-lock.json $(srcdir)/static/tsconfig.json \
	$(filter-out %.d.ts,$(wildcard $(srcdir)/static/src/*.ts $(srcdir)/static/src/*/*.ts)) \
	$(wildcard $(srcdir)/static/src/style/*.css $(srcdir)/static/src/style/*/*.css)

DASHBOARD_RUNTIME = $(DASHBOARD_DIST)/device.wasm
RUNTIME_INPUT = $(srcdir)/device/web/build $(wildcard $(srcdir)/device/web/*.c $(srcdir)/device/*.[ch])

EXTRA_DIST += $(DASHBOARD_STAMP) $(DASHBOARD_BUNDLE) $(DASHBOARD_RUNTIME) static/build static/build.mjs \
	static/icon.svg static/index.html static/package.json static/package-lock.json static/plain static/src static/tsconfig.json

if DASHBOARD_BUILT
$(DASHBOARD_STAMP): $(DASHBOARD_INPUT)
	$(AM_V_GEN)NODE='$(NODE)' NPM='$(NPM)' $(srcdir)/static/build bundle $@ $(DASHBOARD_INPUT)
$(DASHBOARD_BUNDLE): $(DASHBOARD_STAMP) ;
$(DASHBOARD_RUNTIME): $(RUNTIME_INPUT)
	$(AM_V_GEN)CLANG='$(CLANG)' CFLAGS=-O2 $(srcdir)/static/build runtime $@ $(RUNTIME_INPUT)
endif

# What ofad has inside.
if DASHBOARD
EMBEDDED_FILES = $(DASHBOARD_BUNDLE) $(DASHBOARD_RUNTIME)
EMBEDDED_STAMP = $(DASHBOARD_STAMP) $(DASHBOARD_RUNTIME)
else
EMBEDDED_FILES = $(srcdir)/static/plain/index.html
EMBEDDED_STAMP = $(EMBEDDED_FILES)
endif
# Of the page without JavaScript, which is there in either case.
PLAIN_FILES = $(srcdir)/static/plain/plain.css
server/embedded_files.c: $(EMBEDDED_STAMP) $(PLAIN_FILES) $(top_srcdir)/server/embed-files
	$(AM_V_GEN)$(MKDIR_P) server && $(top_srcdir)/server/embed-files $(EMBEDDED_FILES) $(PLAIN_FILES) > $@.tmp && mv $@.tmp $@

# Types that only the type check reads (scripts/test) are not of a release.
dist-hook:
	rm -f $(distdir)/static/src/openapi.d.ts
maintainer-clean-local:
	rm -rf $(DASHBOARD_DIST) $(srcdir)/static/node_modules $(srcdir)/static/src/openapi.d.ts
