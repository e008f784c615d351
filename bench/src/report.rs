//! What was measured, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

/// One figure, beside its limit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What was done.
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    /// The limit that was measured in the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// The bound of `docs/performance.md`, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// What else was seen: waits, use of processors, statements.
    pub remarks: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Limit {
    pub what: &'static str,
    pub value: f64,
}

/// What a figure must reach: by itself, or as a share of its limit where there is one.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            limit: None,
            bound: None,
            remarks: String::new(),
        }
    }

    pub(crate) fn beside(mut self, what: &'static str, value: f64) -> Self {
        self.limit = Some(Limit { what, value });
        self
    }

    pub(crate) fn at_least(mut self, bound: f64) -> Self {
        self.bound = Some(Bound::AtLeast(bound));
        self
    }

    pub(crate) fn at_most(mut self, bound: f64) -> Self {
        self.bound = Some(Bound::AtMost(bound));
        self
    }

    pub(crate) fn remark(mut self, remark: impl AsRef<str>) -> Self {
        if !self.remarks.is_empty() {
            self.remarks.push_str("; ");
        }
        self.remarks.push_str(remark.as_ref());
        self
    }

    /// The figure that the bound is about.
    pub(crate) fn share(&self) -> f64 {
        self.limit
            .as_ref()
            .map_or(self.value, |limit| self.value / limit.value)
    }

    /// Whether it counts statements, and more than its bound.
    pub(crate) fn has_too_many_statements(&self) -> bool {
        self.what.ends_with("statements each") && self.is_met() == Some(false)
    }

    fn is_met(&self) -> Option<bool> {
        self.bound.map(|bound| match bound {
            Bound::AtLeast(least) => self.share() >= least,
            Bound::AtMost(most) => self.share() <= most,
        })
    }
}

/// One row of the table.
pub(crate) fn line(row: &Row) -> String {
    let mut text = format!("{:<44} {:>12} {}", row.what, number(row.value), row.unit);
    if let Some(limit) = &row.limit {
        let _ = write!(
            text,
            "  {:.2} of {} {}",
            row.share(),
            number(limit.value),
            limit.what
        );
    }
    if let Some(bound) = row.bound {
        let (sign, bound) = match bound {
            Bound::AtLeast(least) => ('≥', least),
            Bound::AtMost(most) => ('≤', most),
        };
        let met = if row.is_met() == Some(true) {
            "met"
        } else {
            "NOT MET"
        };
        let _ = write!(text, "  {sign} {bound}: {met}");
    }
    if !row.remarks.is_empty() {
        let _ = write!(text, "\n    {}", row.remarks);
    }
    text
}

/// The same rows of several runs: the median of each figure, and how far apart they were.
pub(crate) fn median(runs: &[Vec<Row>]) -> Vec<Row> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    (0..first.len())
        .map(|at| {
            let mut rows: Vec<_> = runs.iter().filter_map(|run| run.get(at)).collect();
            rows.sort_by(|a, b| a.share().total_cmp(&b.share()));
            let (least, most) = (rows[0].share(), rows[rows.len() - 1].share());
            let met = rows.iter().filter(|row| row.is_met() == Some(true)).count();
            let row = rows[rows.len() / 2].clone();
            let spread = format!(
                "{} to {} in {} runs",
                number(least),
                number(most),
                rows.len()
            );
            match row.bound {
                Some(_) => row.remark(format!("{spread}, bound met in {met}")),
                None => row.remark(spread),
            }
        })
        .collect()
}

fn number(value: f64) -> String {
    match value.abs() {
        1000.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_about_the_share_of_the_limit() {
        let row = Row::new("checks", 30.0, "/s").beside("of axum's", 40.0);
        assert_eq!(row.clone().at_least(0.75).is_met(), Some(true));
        assert_eq!(row.clone().at_least(0.76).is_met(), Some(false));
        assert_eq!(row.clone().at_most(0.7).is_met(), Some(false));
        assert!(line(&row.at_least(0.8)).contains("NOT MET"));
    }

    #[test]
    fn of_several_runs_the_one_in_the_middle_counts() {
        let run = |value| vec![Row::new("checks", value, "/s").at_least(2.0)];
        let rows = median(&[run(3.0), run(1.0), run(2.0)]);
        assert!((rows[0].value - 2.0).abs() < f64::EPSILON);
        assert!(
            rows[0]
                .remarks
                .contains("1.000 to 3.000 in 3 runs, bound met in 2")
        );
    }
}
