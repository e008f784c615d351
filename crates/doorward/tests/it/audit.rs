//! What the log tells, and what it never tells.
