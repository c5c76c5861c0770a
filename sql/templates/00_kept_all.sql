-- Every row that is replaced.
true
