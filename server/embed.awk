# Turns a text file into a C string: awk -f embed.awk -v name=IDENTIFIER FILE
BEGIN {
	printf "/* Made from a source file by server/embed.awk. */\n"
	printf "#include \"embedded.h\"\n\n"
	printf "const char %s[] =", name
}
{
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	printf "\n\t\"%s\\n\"", $0
}
END {
	printf ";\n\nconst size_t %s_size = sizeof(%s) - 1;\n", name, name
}
