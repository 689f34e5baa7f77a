# sources of bench/
