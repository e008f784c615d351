//! Who made a passkey: the password managers that people know, by AAGUID.
//!
//! The AAGUID is not attested, so the name is a courtesy and never a decision.

use std::{collections::HashMap, fs, path::Path};

use crate::error::{Error, Result};

/// AAGUIDs as their makers publish them.
const KNOWN: [(&str, &str); 27] = [
    (
        "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4",
        "Google Password Manager",
    ),
    ("adce0002-35bc-c60a-648b-0b25f1f05503", "Chrome on Mac"),
    ("b5397666-4885-aa6b-cebf-e52262a439a2", "Chromium"),
    ("771b48fd-d3d4-4f74-9232-fc157ab0507a", "Edge on Mac"),
    ("08987058-cadc-4b81-b6e1-30de50dcbe96", "Windows Hello"),
    ("9ddd1817-af5a-4672-a2b9-3e3dd95000a9", "Windows Hello"),
    ("6028b017-b1d4-4c02-b4b3-afcdafc96bb2", "Windows Hello"),
    ("fbfc3007-154e-4ecc-8c0b-6e020557d7bd", "Apple Passwords"),
    (
        "dd4ec289-e01d-41c9-bb89-70fa845d4bf2",
        "Apple Passwords (managed)",
    ),
    ("53414d53-554e-4700-0000-000000000000", "Samsung Pass"),
    ("bada5566-a7aa-401f-bd96-45619a55120d", "1Password"),
    ("d548826e-79b4-db40-a3d8-11116f7e8349", "Bitwarden"),
    ("531126d6-e717-415c-9320-3d9aa6981239", "Dashlane"),
    ("b84e4048-15dc-4dd0-8640-f4f60813c8af", "NordPass"),
    ("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6", "Keeper"),
    ("f3809540-7f14-49c1-a8b3-8f813b225541", "Enpass"),
    ("50726f74-6f6e-5061-7373-50726f746f6e", "Proton Pass"),
    ("fdb141b2-5d84-443e-8a35-4698c205a502", "KeePassXC"),
    ("b78a0a55-6ef8-d246-a042-ba0f6d55050c", "LastPass"),
    ("891494da-2c90-4d31-a9cd-4eab0aed1309", "Sésame"),
    ("de503f9c-21a4-4f76-b4b7-558eb55c6f89", "Devolutions"),
    ("22248c4c-7a12-46e2-9a41-44291b373a4d", "LogMeOnce"),
    ("b35a26b2-8f6e-4697-ab1d-d44db4da28c6", "Zoho Vault"),
    ("bfc748bb-3429-4faa-b9f9-7cfa9f3b76d0", "iPasswords"),
    ("cc45f64e-52a2-451b-831a-4edd8022a202", "ToothPic"),
    ("66a0ccb3-bd6a-191f-ee06-e375c50b9846", "Thales Bio"),
    ("a11a5faa-9f32-4b8c-8c5d-2f7d13e8c942", "AliasVault"),
];

/// The names of providers.
#[derive(Debug)]
pub(crate) struct Providers(HashMap<[u8; 16], String>);

impl Providers {
    /// The built-in table, with an operator's file before it.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self> {
        let built_in = KNOWN
            .iter()
            .filter_map(|(aaguid, name)| Some((parse(aaguid)?, (*name).to_owned())));
        let mut names: HashMap<_, _> = built_in.collect();
        if let Some(file) = file {
            names.extend(
                read(file).map_err(|why| {
                    Error::Unavailable(format!("{}: {why}", file.display()).into())
                })?,
            );
        }
        Ok(Self(names))
    }

    /// The provider's name; none for those who do not tell (zeroes) or whom we do not know.
    pub(crate) fn name(&self, aaguid: &[u8; 16]) -> Option<&str> {
        self.0.get(aaguid).map(String::as_str)
    }
}

fn read(file: &Path) -> Result<HashMap<[u8; 16], String>, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let table: HashMap<String, String> =
        toml::from_str(&text).map_err(|error| error.to_string())?;
    table
        .into_iter()
        .map(|(aaguid, name)| {
            Ok((
                parse(&aaguid).ok_or_else(|| format!("`{aaguid}` is not an AAGUID"))?,
                name,
            ))
        })
        .collect()
}

/// Reads an AAGUID: 32 hexadecimal digits, with or without hyphens.
fn parse(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|&character| character != '-').collect();
    (digits.len() == 32).then_some(())?;
    u128::from_str_radix(&digits, 16)
        .ok()
        .map(u128::to_be_bytes)
}

/// Writes an AAGUID.
pub(crate) fn format(aaguid: &[u8; 16]) -> String {
    let hex = format!("{:032x}", u128::from_be_bytes(*aaguid));
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_table_is_an_aaguid_of_its_own() {
        let providers = Providers::load(None).unwrap();
        assert_eq!(providers.0.len(), KNOWN.len());
        for (aaguid, name) in KNOWN {
            assert_eq!(providers.name(&parse(aaguid).unwrap()), Some(name));
            assert_eq!(format(&parse(aaguid).unwrap()), aaguid);
        }
        assert_eq!(providers.name(&[0; 16]), None);
    }

    #[test]
    fn an_operators_file_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("providers.toml");
        fs::write(
            &file,
            "\"d548826e-79b4-db40-a3d8-11116f7e8349\" = \"Our vault\"\n",
        )
        .unwrap();
        let providers = Providers::load(Some(&file)).unwrap();
        assert_eq!(
            providers.name(&parse("d548826e-79b4-db40-a3d8-11116f7e8349").unwrap()),
            Some("Our vault")
        );

        fs::write(&file, "\"d548826e\" = \"Our vault\"\n").unwrap();
        assert!(Providers::load(Some(&file)).is_err());
    }
}
