//! The fuzz targets. They are the tests', which replay what is found here.
#![forbid(unsafe_code)]

#[path = "../../tests/fuzz_targets/mod.rs"]
mod targets;

pub use targets::*;
