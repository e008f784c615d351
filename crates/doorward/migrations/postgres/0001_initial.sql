-- Beside `sqlite/0001_initial.sql`, from which it differs in the names of types and in the last table.
-- Times are Unix milliseconds; ids, hashes and canonical addresses are bytes; enums are integers.

create table meta (
    key text primary key,
    value bigint not null
);

insert into meta (key, value) values ('restore_epoch', 0), ('outside_changes', 0);

create table users (
    id bytea primary key,
    status integer not null,
    auth_epoch bigint not null,
    webauthn_handle bytea not null unique,
    first_name text,
    last_name text,
    picture text,
    locale text,
    created_at bigint not null,
    updated_at bigint not null,
    last_sign_in_at bigint
);

create table user_emails (
    email_key bytea primary key,
    user_id bytea not null references users (id) on delete cascade,
    address text not null,
    norm_version integer not null,
    verified_at bigint
);

create index user_emails_by_user on user_emails (user_id);

create table passkeys (
    credential_id bytea primary key,
    user_id bytea not null references users (id) on delete cascade,
    public_key bytea not null,
    algorithm integer not null,
    sign_count bigint not null,
    aaguid bytea not null,
    transports text not null,
    user_verified integer not null,
    backup_eligible integer not null,
    backed_up integer not null,
    name text not null,
    created_at bigint not null,
    last_used_at bigint
);

create index passkeys_by_user on passkeys (user_id, created_at);

create table sessions (
    id bytea primary key,
    user_id bytea not null references users (id) on delete cascade,
    token_hash bytea not null,
    user_epoch bigint not null,
    method integer not null,
    passkey bytea,
    aal integer not null,
    user_verified integer not null,
    backup_eligible integer not null,
    backed_up integer not null,
    created_at bigint not null,
    authenticated_at bigint not null,
    expires_at bigint not null,
    ip text,
    user_agent text
);

create index sessions_by_user on sessions (user_id, created_at);
create index sessions_by_passkey on sessions (passkey) where passkey is not null;
create index sessions_by_expiry on sessions (expires_at);

create table session_activity (
    session_id bytea primary key references sessions (id) on delete cascade,
    last_seen_at bigint not null
);

create table codes (
    id bytea primary key,
    purpose integer not null,
    email_key bytea not null,
    binding bytea not null,
    form integer not null,
    code_mac bytea not null,
    attempts_left integer not null,
    created_at bigint not null,
    expires_at bigint not null,
    consumed_at bigint
);

create index codes_by_address on codes (email_key, purpose, binding);
create index codes_by_expiry on codes (expires_at);

create table spent_challenges (
    nonce bytea primary key,
    expires_at bigint not null
);

create index spent_challenges_by_expiry on spent_challenges (expires_at);

create table address_limits (
    address_mac bytea primary key,
    failures integer not null,
    interval_tat bigint not null,
    quarter_tat bigint not null,
    hour_tat bigint not null,
    day_tat bigint not null,
    expires_at bigint not null
);

create index address_limits_by_expiry on address_limits (expires_at);

create table roles (
    id bytea primary key,
    name_key bytea not null unique,
    name text not null,
    description text,
    built_in integer not null,
    is_default integer not null,
    created_at bigint not null
);

create table permissions (
    name_key bytea primary key,
    name text not null,
    description text,
    built_in integer not null
);

create table role_permissions (
    role_id bytea not null references roles (id) on delete cascade,
    permission_key bytea not null references permissions (name_key) on delete cascade,
    primary key (role_id, permission_key)
);

create table user_roles (
    user_id bytea not null references users (id) on delete cascade,
    role_id bytea not null references roles (id) on delete cascade,
    primary key (user_id, role_id)
);

create index user_roles_by_role on user_roles (role_id);

create table outbox (
    id bytea primary key,
    kind integer not null,
    code_id bytea,
    payload bytea not null,
    available_at bigint not null,
    claimed_until bigint not null,
    attempts integer not null,
    expires_at bigint not null
);

create index outbox_by_time on outbox (claimed_until, available_at);

create table events (
    id bytea primary key,
    at bigint not null,
    kind text not null,
    actor bytea,
    subject bytea,
    session_id bytea,
    request_id text,
    method text,
    result integer not null,
    ip text,
    user_agent text,
    detail text
);

create index events_by_subject on events (subject, id);
create index events_by_time on events (at);

insert into permissions (name_key, name, description, built_in) values
    ('\x2a', '*', 'Everything', 1),
    ('users:read', 'users:read', 'See users', 1),
    ('users:write', 'users:write', 'Change and disable users', 1),
    ('users:delete', 'users:delete', 'Erase users', 1),
    ('users:invite', 'users:invite', 'Invite users', 1),
    ('roles:read', 'roles:read', 'See roles and permissions', 1),
    ('roles:write', 'roles:write', 'Create, change, remove and grant roles and permissions', 1),
    ('sessions:read', 'sessions:read', 'See other people''s sessions', 1),
    ('sessions:revoke', 'sessions:revoke', 'End other people''s sessions and passkeys', 1),
    ('events:read', 'events:read', 'Read the audit log', 1),
    ('settings:read', 'settings:read', 'See the effective configuration', 1);

-- The two built-in roles have fixed ids: the first two of all.
insert into roles (id, name_key, name, description, built_in, is_default, created_at) values
    ('\x00000000000000000000000000000001', 'admin', 'admin', 'May do everything', 1, 0, 0),
    ('\x00000000000000000000000000000002', 'user', 'user', 'Everyone with an account', 1, 1, 0);

insert into role_permissions (role_id, permission_key) values ('\x00000000000000000000000000000001', '\x2a');

-- What became of transactions whose commit was not answered: `store/postgres/attempt.rs`.
create table attempts (
    id bytea primary key,
    outcome integer not null
);
