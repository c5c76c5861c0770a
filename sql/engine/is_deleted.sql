-- Whether the record {read} says of itself that it is deleted.
({read}.status IS NOT DISTINCT FROM %(deleted_status)s)
