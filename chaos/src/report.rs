//! What is said of a run, fit for docs/reliability.md.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use crate::{
    checkers::{History, Violation},
    history::{Fault, Moment, Op, Outcome},
    propagation,
};

/// What came of one run.
pub(crate) struct Report {
    pub name: String,
    pub text: String,
    pub violations: Vec<Violation>,
}

impl Report {
    pub(crate) fn of(name: &str, history: &History, violations: Vec<Violation>) -> Self {
        let mut text = format!("### {name}\n\n");
        let _ = writeln!(text, "{}\n", operations(history));
        let _ = writeln!(text, "Faults: {}.\n", faults(history));
        if let Some(line) = propagation::line(history) {
            let _ = writeln!(text, "{line}\n");
        }
        let _ = writeln!(
            text,
            "Read back: {} users, {} sessions and {} passkeys of {} accounts, {} events, {} messages.\n",
            history.read.users.len(),
            history
                .read
                .accounts
                .iter()
                .map(|account| account.sessions.len())
                .sum::<usize>(),
            history
                .read
                .accounts
                .iter()
                .map(|account| account.passkeys.len())
                .sum::<usize>(),
            history.read.accounts.len(),
            history.read.events.len(),
            history.read.mails.len(),
        );
        let _ = writeln!(text, "{}", verdict(&violations));
        Self {
            name: name.to_owned(),
            text,
            violations,
        }
    }

    /// Each violation and the entries that show it, the first few of both.
    pub(crate) fn evidence(&self) -> Vec<String> {
        let told = |violation: &Violation| {
            let mut text = format!("{}: {}: {}", self.name, violation.clause, violation.what);
            for entry in violation.history.iter().take(8) {
                let entry = serde_json::to_string(entry).unwrap_or_default();
                let _ = write!(text, "\n  {entry}");
            }
            text
        };
        self.violations.iter().take(8).map(told).collect()
    }

    /// Writes down each violation with the entries that show it.
    pub(crate) fn write_violations(&self, folder: &Path) -> std::io::Result<()> {
        let path = folder.join(format!("{}-violations.json", self.name));
        std::fs::write(path, serde_json::to_vec_pretty(&self.violations)?)
    }
}

fn operations(history: &History) -> String {
    let mut counts: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for entry in &history.entries {
        if matches!(entry.op, Op::Fault { .. }) {
            continue;
        }
        let column = match entry.outcome {
            Outcome::Ok => 0,
            Outcome::Fail => 1,
            Outcome::Unknown => 2,
        };
        counts.entry(name(&entry.op)).or_default()[column] += 1;
    }
    let mut table =
        "| operation | acknowledged | refused | unknown |\n|---|---|---|---|".to_owned();
    for (name, [ok, fail, unknown]) in counts {
        let _ = write!(table, "\n| {name} | {ok} | {fail} | {unknown} |");
    }
    table
}

/// The name by which the history has it.
fn name(op: &Op) -> String {
    let value = serde_json::to_value(op).unwrap_or_default();
    value["op"].as_str().unwrap_or_default().replace('_', " ")
}

fn faults(history: &History) -> String {
    let mut counts: BTreeMap<Fault, (u64, Moment)> = BTreeMap::new();
    for entry in &history.entries {
        if let Op::Fault { kind } = entry.op {
            let (count, time) = counts.entry(kind).or_default();
            *count += 1;
            *time += entry.end - entry.start;
        }
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(kind, (count, time))| {
            let kind = serde_json::to_value(kind).unwrap_or_default();
            let kind = kind.as_str().unwrap_or_default().replace('_', " ");
            format!("{count} × {kind} ({} s)", time / 1_000_000)
        })
        .collect();
    if counts.is_empty() {
        "none".into()
    } else {
        counts.join(", ")
    }
}

fn verdict(violations: &[Violation]) -> String {
    if violations.is_empty() {
        return "No violation of C1–C8.".into();
    }
    let lines: Vec<_> = violations
        .iter()
        .take(20)
        .map(|violation| format!("- **{}**: {}", violation.clause, violation.what))
        .collect();
    format!("{} VIOLATIONS:\n{}", violations.len(), lines.join("\n"))
}
