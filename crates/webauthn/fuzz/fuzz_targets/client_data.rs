#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorward_webauthn_fuzz::client_data(data));
