-- Of several versions of a record in one load the newest counts.
(SELECT * FROM {staging} ORDER BY id, change_version DESC)
