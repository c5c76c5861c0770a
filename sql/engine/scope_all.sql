-- The complete list.
true
