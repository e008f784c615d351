-- How often someone has refused the offer of a passkey after signing in. No row: not yet.
create table passkey_offers (
    user_id bytea primary key references users (id) on delete cascade,
    refused integer not null
);
