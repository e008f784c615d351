-- The user agent that made a passkey, so that its owner recognises it. Null where nobody knows any more.
alter table passkeys add column made_with text;
