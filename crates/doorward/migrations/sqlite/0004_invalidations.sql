-- What the memory of every server must forget: see `postgres/0004_invalidations.sql`. A file has one server, which forgets as it
-- changes things, so here the log stays empty; it is there because both databases are read by the same statements.
create table invalidation_heads (
    shard integer primary key,
    seq integer not null
) strict, without rowid;

create table invalidations (
    shard integer not null,
    seq integer not null,
    id blob not null,
    kind integer not null,
    subject blob not null,
    at integer not null,
    primary key (shard, seq)
) strict, without rowid;

create index invalidations_by_time on invalidations (at);

create table node_leases (
    node blob primary key,
    renewed_at integer not null
) strict, without rowid;

with recursive shards (shard) as (select 0 union all select shard + 1 from shards where shard < 63)
insert into invalidation_heads (shard, seq) select shard, 0 from shards;

insert into invalidations (shard, seq, id, kind, subject, at)
select shard, seq, x'00000000000000000000000000000000', 3, x'', 0 from invalidation_heads;
