//! Where the configuration comes from: a file, then the environment, of which this is the only reader.
//!
//! Everything that is wrong is found in one go. Each setting is tried on a configuration of its own first, so that
//! one mistake does not hide another; then all of them together.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use doorward::{DATABASE_FILE, RootKey, config::Config};
use serde::Deserialize;
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use crate::{
    logging,
    problems::{Problem, Problems, unknown, wording},
};

/// The configuration manual: every key with its explanation and default.
pub(crate) const DEFAULTS: &str = include_str!("doorward.default.toml");

/// Read where no other file is named, if it exists.
const USUAL_FILE: &str = "doorward.toml";

const PREFIX: &str = "DOORWARD_";
const ROOT_KEY: &str = "DOORWARD_ROOT_KEY";

/// What hosting platforms call the URL of the database. Another program may be meant by it, so whatever names Doorward goes before it.
const SHARED_URL: &str = "DATABASE_URL";
const URL_KEY: &str = "database.url";

/// A configuration that can be used.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub config: Config,
    /// The root key, where the environment gives it.
    pub root_key: Option<RootKey>,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Where the URL of the database was found: `doorward.toml:12`, `environment DATABASE_URL`.
    pub database_url_place: Option<String>,
}

/// Reads the configuration.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub(crate) fn load(file: Option<&Path>) -> Result<Loaded, Problems> {
    let (path, required) = file.map_or((Path::new(USUAL_FILE), false), |file| (file, true));
    let file = match fs::read_to_string(path) {
        Ok(text) => Some(File { path, text }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => None,
        Err(error) => {
            let place = path.display().to_string();
            return Err(Problems(vec![Problem {
                place,
                key: None,
                message: format!("cannot be read: {error}"),
            }]));
        }
    };
    let mut variables: Vec<_> = env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.into_string().ok(),
            )
        })
        .filter(|(name, _)| name.starts_with(PREFIX) || name == SHARED_URL)
        .collect();
    variables.sort_unstable();
    keep_the_database(assemble(file.as_ref(), variables)?)
}

/// A database that is here already is not left for one that may be another program's.
fn keep_the_database(loaded: Loaded) -> Result<Loaded, Problems> {
    let place = place_of(SHARED_URL);
    let file = loaded.config.data_dir.join(DATABASE_FILE);
    if loaded.database_url_place.as_ref() != Some(&place) || !file.exists() {
        return Ok(loaded);
    }
    let message = format!(
        "{} is the database so far: empty {SHARED_URL} to go on with it, or say by {URL_KEY} that another is meant",
        file.display()
    );
    Err(Problems(vec![Problem {
        place,
        key: Some(URL_KEY.to_owned()),
        message,
    }]))
}

/// A file and what it says.
struct File<'a> {
    path: &'a Path,
    text: String,
}

/// A variable of the environment; without a value where that is not UTF-8.
type Variable = (String, Option<String>);

fn assemble(file: Option<&File<'_>>, variables: Vec<Variable>) -> Result<Loaded, Problems> {
    let mut draft = Draft {
        known: Keys::all(),
        settings: BTreeMap::new(),
        problems: Vec::new(),
    };
    let whole = file.is_none_or(|file| draft.read_file(file));
    let root_key = draft.read_environment(variables);
    let mut all = Table::new();
    for (key, setting) in &draft.settings {
        plant(&mut all, key, setting.value.clone());
    }
    let config = Config::deserialize(Value::Table(all)).map_err(|error| {
        draft.problem("configuration", None, error.message());
        Problems(draft.problems.clone())
    })?;
    // What half a file would mean is not worth telling.
    if whole {
        draft.check(&config, file);
    }
    if draft.problems.is_empty() {
        Ok(Loaded {
            config,
            root_key,
            file: file.map(|file| file.path.to_owned()),
            database_url_place: draft.settings.remove(URL_KEY).map(|setting| setting.place),
        })
    } else {
        Err(Problems(draft.problems))
    }
}

/// A configuration, being put together.
struct Draft {
    known: Keys,
    settings: BTreeMap<String, Setting>,
    problems: Vec<Problem>,
}

/// One value, and where it was found.
struct Setting {
    value: Value,
    place: String,
}

impl Draft {
    fn problem(&mut self, place: impl Into<String>, key: Option<&str>, message: impl Into<String>) {
        self.problems.push(Problem {
            place: place.into(),
            key: key.map(str::to_owned),
            message: message.into(),
        });
    }

    /// Takes the settings of a file; whether all of it could be read.
    fn read_file(&mut self, file: &File<'_>) -> bool {
        let place = |offset: usize| {
            let before = file.text.get(..offset).unwrap_or(&file.text);
            format!(
                "{}:{}",
                file.path.display(),
                before.matches('\n').count() + 1
            )
        };
        let (document, errors) = DeTable::parse_recoverable(&file.text);
        for error in &errors {
            let offset = error.span().map_or(file.text.len(), |span| span.start);
            self.problem(place(offset), None, error.message());
        }
        let mut leaves = Vec::new();
        collect("", &document, &mut leaves);
        for (key, offset, value) in leaves {
            self.take_from_file(place(offset), &key, value);
        }
        errors.is_empty()
    }

    fn take_from_file(&mut self, place: String, key: &str, value: &Spanned<DeValue<'_>>) {
        if !self.known.contain(key) {
            let message = unknown(key, self.known.names());
            return self.problem(place, None, message);
        }
        let tried = Value::deserialize(toml::de::ValueDeserializer::from(value.clone()))
            .map_err(|error| error.message().to_owned())
            .and_then(|value| accept(key, &value).map(|()| value));
        match tried {
            Ok(value) => drop(
                self.settings
                    .insert(key.to_owned(), Setting { value, place }),
            ),
            Err(message) => self.problem(place, Some(key), wording(&message)),
        }
    }

    /// Takes the settings of the environment, which go before those of the file, but for [`SHARED_URL`]; the root key apart.
    fn read_environment(&mut self, mut variables: Vec<Variable>) -> Option<RootKey> {
        // Last, when it is known whether anything else says where the database is.
        variables.sort_by_key(|(name, _)| name == SHARED_URL);
        let mut root_key = None;
        for (name, value) in variables
            .into_iter()
            .filter(|(name, _)| !is_from_kubernetes(name))
        {
            if name == SHARED_URL
                && (value.as_deref() == Some("") || self.settings.contains_key(URL_KEY))
            {
                continue;
            }
            let place = place_of(&name);
            let Some(value) = value else {
                self.problem(place, None, "is not UTF-8");
                continue;
            };
            if name == ROOT_KEY {
                match RootKey::from_hex(&value) {
                    Ok(key) => root_key = Some(key),
                    Err(weak) => self.problem(
                        place,
                        None,
                        format!("{weak}: make one with `openssl rand -hex 32`"),
                    ),
                }
                continue;
            }
            let key = key_of(&name);
            match self.known.0.get(&key) {
                None => {
                    let message = unknown(&key, self.known.names());
                    self.problem(place, None, message);
                }
                Some(shape) => match read_variable(&key, *shape, &value) {
                    Ok(value) => self.settle(key, value, &place),
                    Err(message) => self.problem(place, Some(&key), wording(&message)),
                },
            }
        }
        root_key
    }

    /// Sets a key, or those that a section has.
    fn settle(&mut self, key: String, value: Value, place: &str) {
        match value {
            Value::Table(section) => {
                for (name, value) in section {
                    self.settle(format!("{key}.{name}"), value, place);
                }
            }
            value => {
                let place = place.to_owned();
                self.settings.insert(key, Setting { value, place });
            }
        }
    }

    /// Asks the configuration itself, and leaves out what follows from problems that are known.
    fn check(&mut self, config: &Config, file: Option<&File<'_>>) {
        let told: Vec<String> = self
            .problems
            .iter()
            .filter_map(|problem| problem.key.clone())
            .collect();
        let mut problems: Vec<_> = config
            .check()
            .into_iter()
            .map(|problem| (problem.key, problem.message))
            .collect();
        if let Err(message) = logging::check(&config.log.level) {
            problems.push(("log.level", message));
        }
        for (key, message) in problems
            .into_iter()
            .filter(|(key, _)| !told.iter().any(|told| told == key))
        {
            let place = match (self.settings.get(key), file) {
                (Some(setting), _) => setting.place.clone(),
                (None, Some(file)) => file.path.display().to_string(),
                (None, None) => "configuration".to_owned(),
            };
            self.problem(place, Some(key), message);
        }
    }
}

/// The values of a document, each with its key and the place of that key.
fn collect<'d, 'i>(
    above: &str,
    table: &'d Spanned<DeTable<'i>>,
    leaves: &mut Vec<(String, usize, &'d Spanned<DeValue<'i>>)>,
) {
    collect_table(above, table.get_ref(), leaves);
    // A document is kept in the order of its keys, and is told of in the order of its lines.
    leaves.sort_by_key(|(_, offset, _)| *offset);
}

fn collect_table<'d, 'i>(
    above: &str,
    table: &'d DeTable<'i>,
    leaves: &mut Vec<(String, usize, &'d Spanned<DeValue<'i>>)>,
) {
    for (name, value) in table {
        let key = if above.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{above}.{}", name.get_ref())
        };
        match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => collect_table(&key, table, leaves),
            _ => leaves.push((key, name.span().start, value)),
        }
    }
}

fn place_of(variable: &str) -> String {
    format!("environment {variable}")
}

/// The key that a variable sets.
fn key_of(name: &str) -> String {
    name.strip_prefix(PREFIX).map_or_else(
        || URL_KEY.to_owned(),
        |rest| rest.to_ascii_lowercase().replace("__", "."),
    )
}

/// Kubernetes tells every container of a service named `doorward` in variables that begin like ours.
fn is_from_kubernetes(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| {
        ["PORT", "SERVICE_HOST", "SERVICE_PORT"].contains(&rest)
            || rest.starts_with("PORT_")
            || rest.starts_with("SERVICE_PORT_")
    })
}

/// The value of a variable: TOML where that is of the right type, else the text itself, or a list by commas.
fn read_variable(key: &str, shape: Shape, text: &str) -> Result<Value, String> {
    let as_toml = toml::from_str::<Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"));
    if let Some(value) = as_toml
        && accept(key, &value).is_ok()
    {
        return Ok(value);
    }
    let value = match shape {
        Shape::List => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        Shape::Single | Shape::Section => Value::String(text.to_owned()),
    };
    accept(key, &value).map(|()| value)
}

/// Whether the value fits the key.
fn accept(key: &str, value: &Value) -> Result<(), String> {
    let fits = |value: Value| {
        let mut alone = Table::new();
        plant(&mut alone, key, value);
        Config::deserialize(Value::Table(alone))
            .map(drop)
            .map_err(|error| error.message().to_owned())
    };
    fits(value.clone()).map_err(|message| {
        // Where a text is expected, a text that says nothing brings out what it should have said.
        let is_no_text = message.ends_with("expected a string");
        let wanted = || fits(Value::String(String::new())).err();
        is_no_text.then(wanted).flatten().unwrap_or(message)
    })
}

/// Puts a value in its place in the tree.
fn plant(tree: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(tree.insert(key.to_owned(), value)),
        Some((section, rest)) => {
            if let Value::Table(inner) = tree
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()))
            {
                plant(inner, rest, value);
            }
        }
    }
}

/// Every key of the configuration.
struct Keys(BTreeMap<String, Shape>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Section,
    List,
    Single,
}

impl Keys {
    fn all() -> Self {
        let mut keys = BTreeMap::new();
        // JSON, because it has the keys that are not set.
        if let Ok(serde_json::Value::Object(defaults)) = serde_json::to_value(Config::default()) {
            list("", &defaults, &mut keys);
        }
        Self(keys)
    }

    fn contain(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// All names, those of sections too.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn list(
    above: &str,
    section: &serde_json::Map<String, serde_json::Value>,
    keys: &mut BTreeMap<String, Shape>,
) {
    for (name, value) in section {
        let key = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        let shape = match value {
            serde_json::Value::Object(inner) => {
                list(&key, inner, keys);
                Shape::Section
            }
            serde_json::Value::Array(_) => Shape::List,
            _ => Shape::Single,
        };
        keys.insert(key, shape);
    }
}

#[cfg(test)]
mod tests;
