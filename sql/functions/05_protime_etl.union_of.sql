-- The union of many multiranges. PostgreSQL has one of its own from 15 on; one of ranges would have to unpack them all.
CREATE OR REPLACE AGGREGATE protime_etl.union_of(int8multirange) (
    SFUNC = multirange_union, STYPE = int8multirange, INITCOND = '{}', PARALLEL = SAFE
);
