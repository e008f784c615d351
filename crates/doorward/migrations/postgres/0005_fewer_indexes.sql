-- Beside `sqlite/0005_fewer_indexes.sql`. Rows that every sign-in changes find room for their next version in the same page, so
-- that no index has to learn of it.
drop index sessions_by_passkey;
alter table users set (fillfactor = 85);
alter table passkeys set (fillfactor = 85);
