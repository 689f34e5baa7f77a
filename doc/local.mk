# Man pages; ofad's is listed where ofad is.
dist_man1_MANS += doc/man/ofa.1
dist_man5_MANS += doc/man/ofa-pack.5
