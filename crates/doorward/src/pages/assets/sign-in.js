// What a browser with scripts gets beyond the forms of /sign-in and /sign-in/code. The forms work without it.
export {};
