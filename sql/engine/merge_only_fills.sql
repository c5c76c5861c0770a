-- Whether a row that the guard lets through is case 8: the same version, and written since the reading began. Then every
-- column stays but those that are filled.
{written_since} AND excluded.change_version = t.change_version
