# sources of cli/
