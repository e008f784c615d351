-- What comes at one time is written beside each other, not each to a page of its own: challenges are kept in the order in which they
-- end, which needs no index. Older servers do not know this table: they are stopped first.
create table ordered_challenges (
    nonce blob not null,
    expires_at integer not null,
    primary key (expires_at, nonce)
) strict, without rowid;
insert into ordered_challenges (nonce, expires_at) select nonce, expires_at from spent_challenges;
drop table spent_challenges;
alter table ordered_challenges rename to spent_challenges;

-- Ids of events are in the order of time already.
drop index events_by_time;

-- Which address a user has is read from the index alone.
drop index user_emails_by_user;
create index user_emails_by_user on user_emails (user_id, address, verified_at);
