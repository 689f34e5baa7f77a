# sources of server/
