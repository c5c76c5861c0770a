"""The server: addresses, connections, transactions, statements and their plans."""
