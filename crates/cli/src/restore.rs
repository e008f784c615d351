//! `doorward restore`

use std::path::Path;

use doorward::restore::{self, Restored};

use crate::{failure::Failure, load::Loaded, lock::Lock, output::Output};

/// Puts a backup in the place of the database, which no server may be using.
pub(crate) fn restore(loaded: &Loaded, backup: &Path, output: Output) -> Result<(), Failure> {
    let _lock = Lock::take(&loaded.config.data_dir, "restoring a backup")?;
    let restored = restore::restore(&loaded.config, backup, loaded.root_key.as_ref())?;
    output.answer(&restored, || {
        tell(&restored, backup, &loaded.config.data_dir)
    })
}

fn tell(restored: &Restored, backup: &Path, folder: &Path) -> String {
    let mut lines = vec![
        format!("Restored {} into {}.", backup.display(), folder.display()),
        format!(
            "All sessions ({} in the backup), codes and challenges have ended: everyone signs in again.",
            restored.sessions_ended
        ),
    ];
    if let Some(kept) = &restored.kept {
        lines.push(format!(
            "The database before is kept as {}.",
            kept.display()
        ));
    }
    if restored.made_root_key {
        lines.push("There was no root key; a new one was made.".into());
    }
    match (&restored.differences, &restored.kept) {
        (Some(differences), _) => {
            list(&mut lines, "Back again, although removed since the backup", &differences.back);
            list(&mut lines, "Gone, because added since the backup", &differences.gone);
            if differences.back.is_empty() && differences.gone.is_empty() {
                lines.push("Accounts, passkeys and roles are as they were before.".into());
            }
        }
        (None, Some(_)) => lines.push(
            "The database before could not be read: look through accounts, passkeys and roles for what had been removed.".into(),
        ),
        (None, None) => {}
    }
    lines.join("\n")
}

fn list(lines: &mut Vec<String>, what: &str, rights: &[restore::Right]) {
    if !rights.is_empty() {
        lines.push(format!("{what}:"));
        lines.extend(
            rights
                .iter()
                .map(|right| format!("  {}", right.to_string().replace('\n', "\\n"))),
        );
    }
}
