-- What the memory of every server must forget: a log for each shard, numbered without gaps in the order of its commits. The row of
-- `invalidation_heads` is the lock that gives the numbers. See `sessions/lease`.
create table invalidation_heads (
    shard integer primary key,
    seq bigint not null
);

-- Kind 1: a session. 2: a user. 3: everyone in the shard, and the subject is empty.
create table invalidations (
    shard integer not null,
    seq bigint not null,
    id bytea not null,
    kind integer not null,
    subject bytea not null,
    at bigint not null,
    primary key (shard, seq)
);

create index invalidations_by_time on invalidations (at);

-- Each server that has lately asked for the log.
create table node_leases (
    node bytea primary key,
    renewed_at bigint not null
);

insert into invalidation_heads (shard, seq) select shard, 0 from generate_series(0, 63) shard;

-- Every log begins with a row, so that there is always one that was applied last.
insert into invalidations (shard, seq, id, kind, subject, at)
select shard, seq, '\x00000000000000000000000000000000', 3, '\x', 0 from invalidation_heads;
