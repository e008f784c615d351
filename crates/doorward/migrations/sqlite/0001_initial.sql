-- Times are Unix milliseconds; ids, hashes and canonical addresses are bytes; enums are integers.

create table meta (
    key text primary key,
    value integer not null
) strict, without rowid;

insert into meta (key, value) values ('restore_epoch', 0), ('outside_changes', 0);

create table users (
    id blob primary key,
    status integer not null,
    auth_epoch integer not null,
    webauthn_handle blob not null unique,
    first_name text,
    last_name text,
    picture text,
    locale text,
    created_at integer not null,
    updated_at integer not null,
    last_sign_in_at integer
) strict, without rowid;

create table user_emails (
    email_key blob primary key,
    user_id blob not null references users (id) on delete cascade,
    address text not null,
    norm_version integer not null,
    verified_at integer
) strict, without rowid;

create index user_emails_by_user on user_emails (user_id);

create table passkeys (
    credential_id blob primary key,
    user_id blob not null references users (id) on delete cascade,
    public_key blob not null,
    algorithm integer not null,
    sign_count integer not null,
    aaguid blob not null,
    transports text not null,
    user_verified integer not null,
    backup_eligible integer not null,
    backed_up integer not null,
    name text not null,
    created_at integer not null,
    last_used_at integer
) strict, without rowid;

create index passkeys_by_user on passkeys (user_id, created_at);

create table sessions (
    id blob primary key,
    user_id blob not null references users (id) on delete cascade,
    token_hash blob not null,
    user_epoch integer not null,
    method integer not null,
    passkey blob,
    aal integer not null,
    user_verified integer not null,
    backup_eligible integer not null,
    backed_up integer not null,
    created_at integer not null,
    authenticated_at integer not null,
    expires_at integer not null,
    ip text,
    user_agent text
) strict, without rowid;

create index sessions_by_user on sessions (user_id, created_at);
create index sessions_by_passkey on sessions (passkey) where passkey is not null;
create index sessions_by_expiry on sessions (expires_at);

create table session_activity (
    session_id blob primary key references sessions (id) on delete cascade,
    last_seen_at integer not null
) strict, without rowid;

create table codes (
    id blob primary key,
    purpose integer not null,
    email_key blob not null,
    binding blob not null,
    form integer not null,
    code_mac blob not null,
    attempts_left integer not null,
    created_at integer not null,
    expires_at integer not null,
    consumed_at integer
) strict, without rowid;

create index codes_by_address on codes (email_key, purpose, binding);
create index codes_by_expiry on codes (expires_at);

create table spent_challenges (
    nonce blob primary key,
    expires_at integer not null
) strict, without rowid;

create index spent_challenges_by_expiry on spent_challenges (expires_at);

create table address_limits (
    address_mac blob primary key,
    failures integer not null,
    interval_tat integer not null,
    quarter_tat integer not null,
    hour_tat integer not null,
    day_tat integer not null,
    expires_at integer not null
) strict, without rowid;

create index address_limits_by_expiry on address_limits (expires_at);

create table roles (
    id blob primary key,
    name_key blob not null unique,
    name text not null,
    description text,
    built_in integer not null,
    is_default integer not null,
    created_at integer not null
) strict, without rowid;

create table permissions (
    name_key blob primary key,
    name text not null,
    description text,
    built_in integer not null
) strict, without rowid;

create table role_permissions (
    role_id blob not null references roles (id) on delete cascade,
    permission_key blob not null references permissions (name_key) on delete cascade,
    primary key (role_id, permission_key)
) strict, without rowid;

create table user_roles (
    user_id blob not null references users (id) on delete cascade,
    role_id blob not null references roles (id) on delete cascade,
    primary key (user_id, role_id)
) strict, without rowid;

create index user_roles_by_role on user_roles (role_id);

create table outbox (
    id blob primary key,
    kind integer not null,
    code_id blob,
    payload blob not null,
    available_at integer not null,
    claimed_until integer not null,
    attempts integer not null,
    expires_at integer not null
) strict, without rowid;

create index outbox_by_time on outbox (claimed_until, available_at);

create table events (
    id blob primary key,
    at integer not null,
    kind text not null,
    actor blob,
    subject blob,
    session_id blob,
    request_id text,
    method text,
    result integer not null,
    ip text,
    user_agent text,
    detail text
) strict, without rowid;

create index events_by_subject on events (subject, id);
create index events_by_time on events (at);

insert into permissions (name_key, name, description, built_in) values
    (x'2a', '*', 'Everything', 1),
    (cast('users:read' as blob), 'users:read', 'See users', 1),
    (cast('users:write' as blob), 'users:write', 'Change and disable users', 1),
    (cast('users:delete' as blob), 'users:delete', 'Erase users', 1),
    (cast('users:invite' as blob), 'users:invite', 'Invite users', 1),
    (cast('roles:read' as blob), 'roles:read', 'See roles and permissions', 1),
    (cast('roles:write' as blob), 'roles:write', 'Create, change, remove and grant roles and permissions', 1),
    (cast('sessions:read' as blob), 'sessions:read', 'See other people''s sessions', 1),
    (cast('sessions:revoke' as blob), 'sessions:revoke', 'End other people''s sessions and passkeys', 1),
    (cast('events:read' as blob), 'events:read', 'Read the audit log', 1),
    (cast('settings:read' as blob), 'settings:read', 'See the effective configuration', 1);

-- The two built-in roles have fixed ids: the first two of all.
insert into roles (id, name_key, name, description, built_in, is_default, created_at) values
    (x'00000000000000000000000000000001', cast('admin' as blob), 'admin', 'May do everything', 1, 0, 0),
    (x'00000000000000000000000000000002', cast('user' as blob), 'user', 'Everyone with an account', 1, 1, 0);

insert into role_permissions (role_id, permission_key) values (x'00000000000000000000000000000001', x'2a');
