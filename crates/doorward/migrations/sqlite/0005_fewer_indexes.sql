-- A passkey's sessions are looked for among its owner's. Each sign-in paid for an index of its own with a page written.
drop index sessions_by_passkey;
