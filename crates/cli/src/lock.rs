//! One server to a data folder: its caches would not hear of what another changes.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    process,
};

use crate::failure::Failure;

/// The right to the data folder, as long as it lives. The system ends it with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Lock {
    /// Takes the data folder, and makes it where there is none.
    ///
    /// # Errors
    /// [`Failure::Refused`] when another process has it, saying which.
    pub(crate) fn take(folder: &Path, purpose: &str) -> Result<Self, Failure> {
        let path = folder.join(doorward::LOCK_FILE);
        let unusable = |error: std::io::Error| {
            Failure::refused("unavailable", format!("{}: {error}", path.display()))
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(unusable)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who cannot be read is told of without a name.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() {
                    "another process"
                } else {
                    holder.trim()
                };
                let message = format!(
                    "{} is in use by {holder}: stop that first, or choose another data_dir",
                    folder.display()
                );
                return Err(Failure::refused("in_use", message));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let told = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "process {}, {purpose}", process::id()));
        told.map(|()| Self(file)).map_err(unusable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path(), "serving on 127.0.0.1:8700").unwrap();

        let second = Lock::take(folder.path(), "restoring")
            .unwrap_err()
            .to_string();

        assert!(
            second.contains(&format!(
                "process {}, serving on 127.0.0.1:8700",
                process::id()
            )),
            "{second}"
        );
        drop(first);
        Lock::take(folder.path(), "restoring").unwrap();
    }
}
