//! The mutations as they are written down, and the sources that they are about.
//!
//! `tests/mutations/a/b.toml` holds those of `src/a/b.rs`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::mutate::Result;

/// The crate whose checks are broken.
pub(crate) const CRATE: &str = "crates/webauthn";

/// All sources of the verifier, each with its mutations.
pub(crate) struct Plan {
    pub(crate) sources: Vec<Source>,
}

/// One source file, and what is said about it.
pub(crate) struct Source {
    /// The path below `src`, as in `attestation.rs`.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) mutations: Vec<Mutation>,
    pub(crate) not_checks: Vec<NotCheck>,
}

/// One way to break one check.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutation {
    /// What is broken, with the steps of the standard that the comment above it cites.
    pub(crate) check: String,
    /// Text that stands exactly once in the source.
    pub(crate) before: String,
    /// What replaces it.
    pub(crate) after: String,
}

/// Steps that a comment cites without checking them there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotCheck {
    pub(crate) steps: String,
    pub(crate) reason: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Toml {
    #[serde(default)]
    mutation: Vec<Mutation>,
    #[serde(default)]
    not_a_check: Vec<NotCheck>,
}

/// A source that one mutation was applied to.
pub(crate) struct Mutant {
    name: String,
    check: String,
    /// The file to change, from the repository's root.
    pub(crate) path: PathBuf,
    pub(crate) original: String,
    pub(crate) mutated: String,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.check)
    }
}

impl Plan {
    /// Reads sources and mutations.
    pub(crate) fn read(repository: &Path) -> Result<Self> {
        let root = repository.join(CRATE);
        let (sources, mutations) = (root.join("src"), root.join("tests/mutations"));
        for file in files(&mutations)? {
            let source = sources.join(file.strip_prefix(&mutations)?);
            if !source.with_extension("rs").is_file() {
                return Err(format!("{} is about no source", file.display()).into());
            }
        }
        let mut plan = Self {
            sources: Vec::new(),
        };
        for path in files(&sources)? {
            let name = path.strip_prefix(&sources)?;
            if !is_verifier(name) {
                continue;
            }
            let toml = mutations.join(name).with_extension("toml");
            let said: Toml = if toml.is_file() {
                toml::from_str(&fs::read_to_string(&toml)?)
                    .map_err(|error| format!("{}: {error}", toml.display()))?
            } else {
                Toml::default()
            };
            plan.sources.push(Source {
                name: name.display().to_string(),
                text: fs::read_to_string(&path)?,
                mutations: said.mutation,
                not_checks: said.not_a_check,
            });
        }
        Ok(plan)
    }

    /// Applies each mutation to its source.
    pub(crate) fn mutants(&self) -> Result<Vec<Mutant>> {
        let mut mutants = Vec::new();
        let mut errors = Vec::new();
        for source in &self.sources {
            for mutation in &source.mutations {
                match source.mutant(mutation) {
                    Ok(mutant) => mutants.push(mutant),
                    Err(error) => errors.push(error.to_string()),
                }
            }
        }
        if errors.is_empty() {
            Ok(mutants)
        } else {
            Err(errors.join("\n").into())
        }
    }
}

impl Source {
    fn mutant(&self, mutation: &Mutation) -> Result<Mutant> {
        let at = self.find(mutation)?;
        let mut mutated = self.text.clone();
        mutated.replace_range(at..at + mutation.before.len(), &mutation.after);
        Ok(Mutant {
            name: self.name.clone(),
            check: mutation.check.clone(),
            path: Path::new(CRATE).join("src").join(&self.name),
            original: self.text.clone(),
            mutated,
        })
    }

    /// Where the mutation applies: at the one place where its text stands.
    pub(crate) fn find(&self, mutation: &Mutation) -> Result<usize> {
        let mut places = self.text.match_indices(&mutation.before);
        match (places.next(), places.next()) {
            (Some(_), None) if mutation.after == mutation.before => {
                Err(format!("{}: {}: `after` changes nothing", self.name, mutation.check).into())
            }
            (Some((at, _)), None) => Ok(at),
            (None, _) => {
                Err(format!("{}: {}: `before` is absent", self.name, mutation.check).into())
            }
            (Some(_), Some(_)) => {
                Err(format!("{}: {}: `before` is ambiguous", self.name, mutation.check).into())
            }
        }
    }
}

/// The software authenticator and the tests check nothing for anyone.
fn is_verifier(name: &Path) -> bool {
    !name.starts_with("testing") && !name.ends_with("tests.rs")
}

/// All files below a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries = fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
