//! Prepares what the pages load: each file of `src/pages/assets` gets a name that changes with what is in it, and its
//! brotli and gzip forms, so that the server only hands them out.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hasher},
    io::Write as _,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("src/pages/assets");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or("the name of an asset is not UTF-8")?.to_owned();
        let bytes = fs::read(path)?;
        let bytes = match name.rsplit_once('.') {
            Some((_, "js")) => without_comments(std::str::from_utf8(&bytes)?).into_bytes(),
            _ => bytes,
        };
        files.insert(name, bytes);
    }
    let mut table = String::from("&[\n");
    for (name, bytes) in &files {
        let (stem, kind) = name.rsplit_once('.').ok_or("an asset has no extension")?;
        let path = format!("/assets/{stem}.{:016x}.{kind}", hash(bytes));
        let plain = out.join(name);
        fs::write(&plain, bytes)?;
        fs::write(out.join(format!("{name}.br")), brotli(bytes)?)?;
        fs::write(out.join(format!("{name}.gz")), gzip(bytes)?)?;
        let plain = plain.to_str().ok_or("OUT_DIR is not UTF-8")?;
        writeln!(
            table,
            "    BuiltIn {{ name: {name:?}, path: {path:?}, plain: include_bytes!({plain:?}), \
             brotli: include_bytes!(\"{plain}.br\"), gzip: include_bytes!(\"{plain}.gz\") }},"
        )?;
    }
    table.push_str("]\n");
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// A script without comments on lines of their own, and without indentation: people read those in the repository,
/// browsers need not load them.
///
/// It knows lines, not the language: in our modules no text that runs over several lines has one that begins like a
/// comment.
fn without_comments(script: &str) -> String {
    let mut kept = String::with_capacity(script.len());
    let mut in_comment = false;
    for line in script.lines().map(str::trim) {
        let ends = line.ends_with("*/");
        let skipped = in_comment
            || line.starts_with("//")
            || (line.starts_with("/*") && (ends || !line.contains("*/")));
        in_comment = skipped && !line.starts_with("//") && !ends;
        if !skipped && !line.is_empty() {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Only tells one version of a file from another: nothing is lost when another compiler hashes otherwise.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 18,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut small = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut small, &params)?;
    Ok(small)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
