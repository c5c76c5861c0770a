-- Whether the row `t` was written since the reading of what is merged began.
t.written_at > %(began)s
