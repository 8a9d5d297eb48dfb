"""The only room with a database in it: from files and servers to clean tables as of a day."""
