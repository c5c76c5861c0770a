"""What each collection of the API is, said once; knows no HTTP and no SQL.

A collection is one file here and one line in `registry`. Its table, its columns and their comments, the order of COPY,
its filters and its scope follow from the registration.
"""
