//! Keys, secrets, and what a thief of the database gets.
